//! The directory of the journal. Its values are of no use after the next boot, so it is where files do not outlive the
//! boot either: `/run` for root, `$XDG_RUNTIME_DIR` for everyone else (file-hierarchy(7)).

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::error::{JournalError, Untrusted};
use crate::model::setting::System;

/// The environment variable that names the journal's directory.
pub const VARIABLE: &str = "TUNECTL_JOURNAL";

/// The directories in which the journal may be, the preferred one first.
#[derive(Clone, Debug)]
pub struct JournalLocations {
    candidates: Vec<PathBuf>,
    owner: u32,
}

impl JournalLocations {
    /// The directories of a user, from the environment variables.
    #[must_use]
    pub fn of(system: System, user: u32, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let given = |name: &str| variable(name).filter(|path| path.starts_with('/')).map(PathBuf::from);
        if let Some(named) = variable(VARIABLE).filter(|path| !path.is_empty()) {
            return Self { candidates: vec![PathBuf::from(named)], owner: user };
        }
        let mut candidates = Vec::new();
        if user == 0 {
            candidates.push(PathBuf::from(match system {
                System::Linux => "/run/tunectl/journal",
                System::MacOs => "/var/run/tunectl/journal",
            }));
        }
        candidates.extend(given("XDG_RUNTIME_DIR").map(|path| path.join("tunectl/journal")));
        let temporary = given("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp"));
        candidates.push(temporary.join(format!("tunectl-{user}/journal")));
        Self { candidates, owner: user }
    }

    /// This directory only.
    #[must_use]
    pub fn only(directory: impl Into<PathBuf>, owner: u32) -> Self {
        Self { candidates: vec![directory.into()], owner }
    }

    /// The first directory that exists and is trusted, or can be created.
    ///
    /// # Errors
    /// What is wrong with the last one.
    pub(super) fn create(&self) -> Result<&Path, JournalError> {
        self.first(|path| {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(|error| JournalError::refused("create", path, &error))?;
            self.check(path)
        })
    }

    /// The first directory that exists and is trusted; `None` if none exists.
    ///
    /// # Errors
    /// What is wrong with the last one.
    pub(super) fn find(&self) -> Result<Option<&Path>, JournalError> {
        match self.first(|path| self.check(path)) {
            Ok(path) => Ok(Some(path)),
            Err(_) if self.candidates.iter().all(|path| is_missing(path)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn first(&self, attempt: impl Fn(&Path) -> Result<(), JournalError>) -> Result<&Path, JournalError> {
        let mut refusal = JournalError::Untrusted { path: PathBuf::new(), why: Untrusted::NotADirectory };
        for path in &self.candidates {
            match attempt(path) {
                Ok(()) => return Ok(path),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// `revert` writes what these files say, so they, and the directory above them, must be ours alone: in `/tmp`
    /// another user could have created them first.
    fn check(&self, path: &Path) -> Result<(), JournalError> {
        let parent = path.parent().filter(|parent| parent.ends_with(format!("tunectl-{}", self.owner)));
        for path in parent.into_iter().chain([path]) {
            let found = fs::symlink_metadata(path).map_err(|error| JournalError::refused("open", path, &error))?;
            let untrusted = |why| Err(JournalError::Untrusted { path: path.to_owned(), why });
            if !found.is_dir() {
                return untrusted(Untrusted::NotADirectory);
            }
            if found.uid() != self.owner {
                return untrusted(Untrusted::Owner(found.uid()));
            }
            if found.mode() & 0o022 != 0 {
                return untrusted(Untrusted::Mode(found.mode() & 0o7777));
            }
        }
        Ok(())
    }
}

fn is_missing(path: &Path) -> bool {
    matches!(fs::symlink_metadata(path), Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(user: u32, system: System, variables: &[(&str, &str)]) -> Vec<String> {
        let variable =
            |name: &str| variables.iter().find(|(its, _)| *its == name).map(|(_, value)| (*value).to_owned());
        let locations = JournalLocations::of(system, user, &variable);
        locations.candidates.iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn candidates_are_where_files_do_not_outlive_the_boot() {
        assert_eq!(candidates(0, System::Linux, &[]), ["/run/tunectl/journal", "/tmp/tunectl-0/journal"]);
        assert_eq!(candidates(0, System::MacOs, &[])[0], "/var/run/tunectl/journal");
        let user = [("XDG_RUNTIME_DIR", "/run/user/7"), ("TMPDIR", "/x")];
        assert_eq!(candidates(7, System::Linux, &user), ["/run/user/7/tunectl/journal", "/x/tunectl-7/journal"]);
        assert_eq!(candidates(7, System::Linux, &[("TMPDIR", "relative")]), ["/tmp/tunectl-7/journal"]);
        assert_eq!(candidates(0, System::Linux, &[(VARIABLE, "here"), user[0]]), ["here"]);
        assert_eq!(candidates(7, System::Linux, &[(VARIABLE, "")]), ["/tmp/tunectl-7/journal"]);
    }

    #[test]
    fn the_first_usable_candidate_is_created_and_found_again() {
        let folder = std::env::temp_dir().join(format!("tunectl-locations-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("file"), "").unwrap();
        let owner = fs::metadata(&folder).unwrap().uid();
        let (no, yes) = (folder.join("file/journal"), folder.join("a/journal"));
        let locations = JournalLocations { candidates: vec![no.clone(), yes.clone()], owner };
        assert_eq!(locations.find(), Ok(None));
        assert_eq!(locations.create(), Ok(yes.as_path()));
        assert_eq!(locations.find(), Ok(Some(yes.as_path())));
        assert_eq!(fs::metadata(&yes).unwrap().mode() & 0o7777, 0o700);
        let other_user = JournalLocations { candidates: vec![yes.clone()], owner: owner + 1 };
        let why = Untrusted::Owner(owner);
        assert_eq!(other_user.find(), Err(JournalError::Untrusted { path: yes, why }));
        // A directory inside one that other users can write to, as there can be one in /tmp.
        let shared = folder.join(format!("tunectl-{owner}"));
        fs::create_dir_all(shared.join("journal")).unwrap();
        fs::set_permissions(&shared, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let locations = JournalLocations::only(shared.join("journal"), owner);
        let why = Untrusted::Mode(0o777);
        assert_eq!(locations.create(), Err(JournalError::Untrusted { path: shared, why }));
        fs::remove_dir_all(folder).unwrap();
    }
}
