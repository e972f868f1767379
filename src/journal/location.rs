//! The directory of the journal. Its values are of no use after the next boot, so it is where files do not outlive the
//! boot either: `/run` for root, `$XDG_RUNTIME_DIR` for everyone else (file-hierarchy(7)).

use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::error::{JournalError, Untrusted};
use crate::model::setting::System;
use crate::sys::Directory;

/// The environment variable that names the journal's directory.
pub const VARIABLE: &str = "TUNECTL_JOURNAL";

/// The directories in which the journal may be, the preferred one first.
#[derive(Clone, Debug)]
pub struct JournalLocations {
    candidates: Vec<Candidate>,
    owner: u32,
}

/// A directory in which the journal may be.
#[derive(Clone, Debug)]
struct Candidate {
    path: PathBuf,
    /// The directory above that other users may use too, `$XDG_RUNTIME_DIR` or `$TMPDIR`: there `path` can be
    /// somebody else's, and then it is not our journal. `None` where it is ours or nobody's.
    shared: Option<PathBuf>,
}

impl JournalLocations {
    /// The directories of a user, from the environment variables.
    #[must_use]
    pub fn of(system: System, user: u32, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let given = |name: &str| variable(name).filter(|path| path.starts_with('/')).map(PathBuf::from);
        if let Some(named) = variable(VARIABLE).filter(|path| !path.is_empty()) {
            return Self::only(named, user);
        }
        let mut candidates = Vec::new();
        if user == 0 {
            let path = match system {
                System::Linux => "/run/tunectl/journal",
                System::MacOs => "/var/run/tunectl/journal",
            };
            candidates.push(Candidate { path: path.into(), shared: None });
        }
        let runtime = given("XDG_RUNTIME_DIR").map(|shared| (shared, "tunectl/journal".to_owned()));
        let temporary = given("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp"));
        let shared = runtime.into_iter().chain([(temporary, format!("tunectl-{user}/journal"))]);
        candidates.extend(shared.map(|(shared, path)| Candidate { path: shared.join(path), shared: Some(shared) }));
        Self { candidates, owner: user }
    }

    /// This directory only.
    #[must_use]
    pub fn only(directory: impl Into<PathBuf>, owner: u32) -> Self {
        Self { candidates: vec![Candidate { path: directory.into(), shared: None }], owner }
    }

    /// The first directory that exists or can be created. One that exists and is not trusted is not passed over: an
    /// entry in it would be forgotten.
    ///
    /// # Errors
    /// It is not trusted; or none could be created, then why not the last one.
    pub(super) fn create(&self) -> Result<(&Path, Directory), JournalError> {
        let mut refusal = None;
        for candidate in &self.candidates {
            let path = candidate.path.as_path();
            match self.check(candidate) {
                Ok(Found::Trusted(directory)) => return Ok((path, directory)),
                Ok(Found::NotOurs(error)) => refusal = Some(error),
                Err(error @ JournalError::Untrusted { .. }) => return Err(error),
                Ok(Found::Missing) | Err(_) => {
                    let created = DirBuilder::new().recursive(true).mode(0o700).create(path);
                    match created.map_err(|error| JournalError::refused("create", path, &error)) {
                        Ok(()) => match self.check(candidate)? {
                            Found::Trusted(directory) => return Ok((path, directory)),
                            Found::NotOurs(error) => refusal = Some(error),
                            // It was removed at once.
                            Found::Missing => {
                                refusal = Some(JournalError::refused("create", path, &Errno::ENOENT.into()));
                            }
                        },
                        Err(error) => refusal = Some(error),
                    }
                }
            }
        }
        let none = || JournalError::refused("create", Path::new(""), &io::ErrorKind::NotFound.into());
        Err(refusal.unwrap_or_else(none))
    }

    /// The directories that exist, each with what is wrong with it if it can't be used. Entries may be in any of them:
    /// one that is preferred now could not be created before.
    pub(super) fn find_all(&self) -> Vec<Result<(&Path, Directory), JournalError>> {
        let checked = self.candidates.iter().map(|candidate| (candidate.path.as_path(), self.check(candidate)));
        let found = checked.filter_map(|(path, found)| match found {
            Ok(Found::Trusted(directory)) => Some(Ok((path, directory))),
            Ok(Found::Missing | Found::NotOurs(_)) => None,
            Err(error) => Some(Err(error)),
        });
        found.collect()
    }

    /// `revert` writes what these files say, so they, and the directory above them, must be ours alone: in `/tmp`
    /// another user could have created them first.
    fn check(&self, candidate: &Candidate) -> Result<Found, JournalError> {
        let path = candidate.path.as_path();
        if let Some(shared) = &candidate.shared {
            match fs::metadata(shared) {
                // Nobody but its owner can create anything there.
                Ok(found) if found.uid() != self.owner && found.mode() & 0o022 == 0 => {
                    return Ok(Found::NotOurs(JournalError::refused("create", path, &Errno::EACCES.into())));
                }
                _ => {}
            }
        }
        let parent = path.parent().filter(|parent| parent.ends_with(format!("tunectl-{}", self.owner)));
        let mut above: Option<Directory> = None;
        for path in parent.into_iter().chain([path]) {
            let Some((found, opened)) = find(above.as_ref(), path)? else { return Ok(Found::Missing) };
            let untrusted = |why| JournalError::Untrusted { path: path.to_owned(), why };
            let is_ours = found.uid() == self.owner;
            match () {
                () if !is_ours && candidate.shared.is_some() => {
                    return Ok(Found::NotOurs(untrusted(Untrusted::Owner(found.uid()))));
                }
                () if !found.is_dir() => return Err(untrusted(Untrusted::NotADirectory)),
                () if !is_ours => return Err(untrusted(Untrusted::Owner(found.uid()))),
                () if found.mode() & 0o022 != 0 => return Err(untrusted(Untrusted::Mode(found.mode() & 0o7777))),
                () => {}
            }
            above = Some(opened.map_err(|error| JournalError::refused("open", path, &error))?);
        }
        Ok(above.map_or(Found::Missing, Found::Trusted))
    }
}

/// What is at `path`, which is in the directory `above` where that is given: its metadata, and the directory held open.
/// The metadata are those of what was opened, so that nobody can put another one in its place after the check; only
/// where it can't be opened are they read by path, to say why. `None` where nothing is there.
#[allow(clippy::type_complexity, reason = "a pair that one caller takes apart")]
fn find(above: Option<&Directory>, path: &Path) -> Result<Option<(Metadata, io::Result<Directory>)>, JournalError> {
    let opened = match (above, path.file_name()) {
        (Some(above), Some(name)) => above.open_directory(name),
        _ => Directory::open_no_follow(path),
    };
    let found = match &opened {
        Ok(directory) => directory.metadata(),
        Err(_) => fs::symlink_metadata(path),
    };
    match found {
        Ok(found) => Ok(Some((found, opened))),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(JournalError::refused("open", path, &error)),
    }
}

/// What there is at the place of a journal's directory.
enum Found {
    /// A directory of ours that nobody else can write to, held open.
    Trusted(Directory),
    /// There is nothing at that path.
    Missing,
    /// Something of another user's, in a directory that is not ours alone: what is wrong with it.
    NotOurs(JournalError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(user: u32, system: System, variables: &[(&str, &str)]) -> Vec<String> {
        let variable =
            |name: &str| variables.iter().find(|(its, _)| *its == name).map(|(_, value)| (*value).to_owned());
        let locations = JournalLocations::of(system, user, &variable);
        locations.candidates.iter().map(|its| its.path.display().to_string()).collect()
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

    fn found(locations: &JournalLocations) -> Vec<Result<PathBuf, JournalError>> {
        locations.find_all().into_iter().map(|found| found.map(|(path, _)| path.to_owned())).collect()
    }

    fn created(locations: &JournalLocations) -> Result<PathBuf, JournalError> {
        locations.create().map(|(path, _)| path.to_owned())
    }

    #[test]
    fn the_first_usable_candidate_is_created_and_found_again() {
        let folder = std::env::temp_dir().join(format!("tunectl-locations-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("file"), "").unwrap();
        let owner = fs::metadata(&folder).unwrap().uid();
        let candidate = |path: PathBuf, shared: Option<PathBuf>| Candidate { path, shared };
        let (no, yes) = (folder.join("file/journal"), folder.join("a/journal"));
        let both = vec![candidate(no, None), candidate(yes.clone(), None)];
        let locations = JournalLocations { candidates: both, owner };
        assert_eq!(found(&locations), []);
        assert_eq!(created(&locations), Ok(yes.clone()));
        assert_eq!(found(&locations), [Ok(yes.clone())]);
        assert_eq!(fs::metadata(&yes).unwrap().mode() & 0o7777, 0o700);
        let other_user = JournalLocations::only(yes.clone(), owner + 1);
        let error = JournalError::Untrusted { path: yes.clone(), why: Untrusted::Owner(owner) };
        assert_eq!(found(&other_user), [Err(error.clone())]);
        assert_eq!(created(&other_user), Err(error));
        // In a directory that several users share, it is just not ours.
        let shared = vec![candidate(yes, Some(folder.clone()))];
        assert_eq!(found(&JournalLocations { candidates: shared, owner: owner + 1 }), []);
        // A directory inside one that other users can write to, as there can be one in /tmp.
        let open = folder.join(format!("tunectl-{owner}"));
        fs::create_dir_all(open.join("journal")).unwrap();
        fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let error = JournalError::Untrusted { path: open.clone(), why: Untrusted::Mode(0o777) };
        let locations = JournalLocations::only(open.join("journal"), owner);
        assert_eq!((created(&locations), found(&locations)), (Err(error.clone()), vec![Err(error.clone())]));
        // Though the next one would do.
        let candidates = vec![candidate(open.join("journal"), Some(folder.clone())), candidate(folder.join("b"), None)];
        assert_eq!(created(&JournalLocations { candidates, owner }), Err(error));
        fs::remove_dir_all(folder).unwrap();
    }
}
