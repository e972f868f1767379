//! What container runtimes leave in our environment and in our files. Which of them it is, `diagnose` says.

use std::path::Path;

use crate::sys::read_text;

/// Environment variables that runtimes set, besides `container`.
const VARIABLES: [&str; 1] = ["KUBERNETES_SERVICE_HOST"];

/// What tells of the runtime that started us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuntimeHints {
    /// The value of the environment variable `container`: the name of a runtime (systemd's Container Interface).
    pub container: Option<String>,
    /// The text of `/run/host/container-manager`, which systemd as PID 1 of a container copies from `container`.
    pub container_manager: Option<String>,
    /// The names of other environment variables of runtimes that are set.
    pub variables: Vec<&'static str>,
    /// Those of the files that were looked for that exist, relative to the root directory.
    pub files: Vec<&'static str>,
}

impl RuntimeHints {
    /// Those of a container that names its runtime, for tests.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { container: Some(name.to_owned()), ..Self::default() }
    }

    /// The environment variables. They are read at the start, before anything changes them.
    pub(super) fn of_variables(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let variables = VARIABLES.into_iter().filter(|name| variable(name).is_some()).collect();
        Self { container: variable("container"), variables, ..Self::default() }
    }

    /// The same with what is found beneath `root`.
    pub(super) fn with_files(&self, root: &Path, files: &[&'static str]) -> Self {
        Self {
            container_manager: read_text(&root.join("run/host/container-manager")).ok(),
            files: files.iter().copied().filter(|file| root.join(file).exists()).collect(),
            ..self.clone()
        }
    }
}
