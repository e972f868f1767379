//! Pods, and what a kubelet says of them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::engine::Ran;

/// A pod of one container that runs to its end.
pub(crate) struct Pod {
    /// Lines in the list of sysctls.
    sysctls: Vec<String>,
    command: Value,
}

impl Pod {
    pub(crate) fn new(sysctls: &[String], command: &[&str]) -> Self {
        Self { sysctls: sysctls.to_vec(), command: Value::from(command) }
    }

    /// The node's control groups are shown to the service.
    pub(crate) fn manifest(&self, name: &str, image: &str) -> String {
        let list: Vec<String> = self.sysctls.iter().map(|line| format!("\n    {line}")).collect();
        let list = if list.is_empty() { " []".to_owned() } else { list.concat() };
        format!(
            "apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  restartPolicy: Never
  securityContext:
    sysctls:{list}
  containers:
  - name: service
    image: {image}
    imagePullPolicy: Never
    command: {}
    volumeMounts: [{{name: groups, mountPath: /sys/fs/cgroup, readOnly: true}}]
  volumes: [{{name: groups, hostPath: {{path: /sys/fs/cgroup}}}}]
",
            self.command
        )
    }
}

/// What became of a pod, in the words of the kubelet.
#[derive(Debug)]
pub(crate) enum End {
    /// It ran, and its service ended.
    Ran(Ran),
    /// It was not let run.
    Refused {
        /// One word.
        reason: String,
        /// What it says further.
        message: String,
    },
}

impl End {
    /// From the state of a pod and the folder of all pods' logs; none while it runs.
    pub(crate) fn of(pod: &Value, logs: &Path) -> Option<Self> {
        let status = &pod["status"];
        let text = |field: &str| status[field].as_str().map(str::to_owned);
        if let Some(reason) = text("reason") {
            return Some(Self::Refused { reason, message: text("message").unwrap_or_default() });
        }
        let code = status["containerStatuses"][0]["state"]["terminated"]["exitCode"].as_i64()?;
        let (name, uid) = (pod["metadata"]["name"].as_str()?, pod["metadata"]["uid"].as_str()?);
        let log = logs.join(format!("default_{name}_{uid}/service/0.log"));
        let log = fs::read_to_string(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let code = i32::try_from(code).ok()?;
        Some(Self::Ran(Ran { code, stdout: stream(&log, "stdout"), stderr: stream(&log, "stderr") }))
    }

    /// What the service came to.
    #[track_caller]
    pub(crate) fn ran(self) -> Ran {
        match self {
            Self::Ran(ran) => ran,
            Self::Refused { .. } => panic!("the kubelet did not run it: {self:?}"),
        }
    }
}

/// What one stream has said. `TIME STREAM KIND TEXT`: a part of a line (P) does not end where its text does.
fn stream(log: &str, stream: &str) -> String {
    let lines = log.lines().filter_map(|line| {
        let mut words = line.splitn(4, ' ').skip(1);
        let (from, kind, text) = (words.next()?, words.next()?, words.next()?);
        (from == stream).then(|| text.to_owned() + if kind == "P" { "" } else { "\n" })
    });
    lines.collect()
}
