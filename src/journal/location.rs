//! Where the journal is. It names values that die with the boot, so it belongs where files do too: `/run` for
//! root, `$XDG_RUNTIME_DIR` for everyone else (file-hierarchy(7)).

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::error::JournalError;
use crate::model::setting::System;

/// Names the journal's directory.
pub const VARIABLE: &str = "TUNECTL_JOURNAL";

/// The directories that will do, the best first.
#[derive(Clone, Debug)]
pub struct JournalLocations {
    candidates: Vec<PathBuf>,
    owner: u32,
}

impl JournalLocations {
    /// Those of a user, by the environment.
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

    /// This one only.
    #[must_use]
    pub fn only(directory: impl Into<PathBuf>, owner: u32) -> Self {
        Self { candidates: vec![directory.into()], owner }
    }

    /// The first that can be made or is there.
    ///
    /// # Errors
    /// Why the last of them would not do.
    pub(super) fn make(&self) -> Result<&Path, JournalError> {
        self.first(|path| {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(|error| JournalError::refused("create", path, &error))?;
            self.check(path)
        })
    }

    /// The first that is there; `None` if none is.
    ///
    /// # Errors
    /// Why the last of them would not do.
    pub(super) fn find(&self) -> Result<Option<&Path>, JournalError> {
        match self.first(|path| self.check(path)) {
            Ok(path) => Ok(Some(path)),
            Err(_) if self.candidates.iter().all(|path| is_missing(path)) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    fn first(&self, attempt: impl Fn(&Path) -> Result<(), JournalError>) -> Result<&Path, JournalError> {
        let mut refusal = JournalError::Untrusted { path: PathBuf::new(), why: "is not known".to_owned() };
        for path in &self.candidates {
            match attempt(path) {
                Ok(()) => return Ok(path),
                Err(trouble) => refusal = trouble,
            }
        }
        Err(refusal)
    }

    /// What revert does is what these files say: they and the directory above must be nobody else's. In `/tmp`
    /// anybody could have made them first.
    fn check(&self, path: &Path) -> Result<(), JournalError> {
        let parent = path.parent().filter(|parent| parent.ends_with(format!("tunectl-{}", self.owner)));
        for path in parent.into_iter().chain([path]) {
            let found = fs::symlink_metadata(path).map_err(|error| JournalError::refused("open", path, &error))?;
            let untrusted = |why: String| Err(JournalError::Untrusted { path: path.to_owned(), why });
            if !found.is_dir() {
                return untrusted("is no directory".to_owned());
            }
            if found.uid() != self.owner {
                return untrusted(format!("belongs to uid {}, not to us", found.uid()));
            }
            if found.mode() & 0o022 != 0 {
                return untrusted(format!("can be written to by others (mode {:04o})", found.mode() & 0o7777));
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
        let places = JournalLocations::of(system, user, &variable);
        places.candidates.iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn it_is_where_files_die_with_the_boot() {
        assert_eq!(candidates(0, System::Linux, &[]), ["/run/tunectl/journal", "/tmp/tunectl-0/journal"]);
        assert_eq!(candidates(0, System::MacOs, &[])[0], "/var/run/tunectl/journal");
        let user = [("XDG_RUNTIME_DIR", "/run/user/7"), ("TMPDIR", "/x")];
        assert_eq!(candidates(7, System::Linux, &user), ["/run/user/7/tunectl/journal", "/x/tunectl-7/journal"]);
        assert_eq!(candidates(7, System::Linux, &[("TMPDIR", "relative")]), ["/tmp/tunectl-7/journal"]);
        assert_eq!(candidates(0, System::Linux, &[(VARIABLE, "here"), user[0]]), ["here"]);
        assert_eq!(candidates(7, System::Linux, &[(VARIABLE, "")]), ["/tmp/tunectl-7/journal"]);
    }

    #[test]
    fn the_first_that_will_do_is_taken_and_found_again() {
        let folder = std::env::temp_dir().join(format!("tunectl-places-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("file"), "").unwrap();
        let owner = fs::metadata(&folder).unwrap().uid();
        let (no, yes) = (folder.join("file/journal"), folder.join("a/journal"));
        let places = JournalLocations { candidates: vec![no.clone(), yes.clone()], owner };
        assert_eq!(places.find(), Ok(None));
        assert_eq!(places.make(), Ok(yes.as_path()));
        assert_eq!(places.find(), Ok(Some(yes.as_path())));
        assert_eq!(fs::metadata(&yes).unwrap().mode() & 0o7777, 0o700);
        let somebody = JournalLocations { candidates: vec![yes.clone()], owner: owner + 1 };
        let why = format!("belongs to uid {owner}, not to us");
        assert_eq!(somebody.find(), Err(JournalError::Untrusted { path: yes, why }));
        // One that would be made in a folder of somebody else's, as anybody can make one in /tmp.
        let shared = folder.join(format!("tunectl-{owner}"));
        fs::create_dir_all(shared.join("journal")).unwrap();
        fs::set_permissions(&shared, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let places = JournalLocations::only(shared.join("journal"), owner);
        let why = "can be written to by others (mode 0777)".to_owned();
        assert_eq!(places.make(), Err(JournalError::Untrusted { path: shared, why }));
        fs::remove_dir_all(folder).unwrap();
    }
}
