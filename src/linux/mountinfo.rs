//! Mounts, `proc_pid_mountinfo(5)`.

/// A mount, a line of `/proc/PID/mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountEntry<'a> {
    /// The directory of the file system that is the mount's root.
    pub root: String,
    /// Where it is mounted, seen from the process's root directory.
    pub mount_point: String,
    /// The type of the file system: `proc`, `cgroup2`.
    pub file_system: &'a str,
    /// The options of the file system, joined by commas: `rw,memory`.
    pub super_options: &'a str,
}

/// The mounts of a `/proc/PID/mountinfo`. Lines that are not of its form are left out.
pub fn parse(text: &str) -> impl Iterator<Item = MountEntry<'_>> {
    text.lines().filter_map(parse_line)
}

/// Whether a `/proc` among the mounts hides processes of other users (`hidepid=`, proc(5)).
#[must_use]
pub fn hides_processes(text: &str) -> bool {
    let hides = |option: &str| option.strip_prefix("hidepid=").is_some_and(|how| !["0", "off"].contains(&how));
    parse(text).any(|mount| mount.file_system == "proc" && mount.super_options.split(',').any(hides))
}

/// `36 35 0:31 /root /mount/point rw,nosuid shared:1 - cgroup cgroup rw,memory`: there are none to several fields
/// between the sixth and the hyphen.
fn parse_line(line: &str) -> Option<MountEntry<'_>> {
    let (mount, file_system) = line.split_once(" - ")?;
    let mut fields = mount.split(' ').skip(3);
    let (root, mount_point) = (unescape(fields.next()?), unescape(fields.next()?));
    let mut fields = file_system.split(' ');
    let kind = fields.next()?;
    Some(MountEntry { root, mount_point, file_system: kind, super_options: fields.nth(1)? })
}

/// Spaces, tabs, newlines and backslashes are written as a backslash and three octal digits.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()).filter(u8::is_ascii);
        let (character, length) = code.map_or(('\\', 0), |code| (char::from(code), 3));
        out.push(character);
        rest = after.get(length..).unwrap_or_default();
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_hidden_by_an_option_of_proc() {
        let mount = |kind: &str, options: &str| format!("22 1 0:21 / /proc rw - {kind} proc rw{options}\n");
        for (text, hides) in [
            (mount("proc", ""), false),
            (mount("proc", ",hidepid=0"), false),
            (mount("proc", ",gid=5,hidepid=2"), true),
            (mount("proc", ",hidepid=invisible"), true),
            (mount("tmpfs", ",hidepid=2"), false),
            (mount("proc", "") + &mount("proc", ",hidepid=1"), true),
        ] {
            assert_eq!(hides_processes(&text), hides, "{text}");
        }
    }

    #[test]
    fn a_line_with_optional_fields_and_escapes() {
        let line = "36 35 0:31 /a /mnt/my\\040disk ro,nosuid master:7 shared:1 - cgroup none rw,cpu,cpuacct\n";
        let expected = MountEntry {
            root: "/a".to_owned(),
            mount_point: "/mnt/my disk".to_owned(),
            file_system: "cgroup",
            super_options: "rw,cpu,cpuacct",
        };
        assert_eq!(parse(line).collect::<Vec<_>>(), [expected]);
        assert_eq!(unescape("a\\040b\\"), "a b\\");
        assert_eq!(unescape("\\777\\04"), "\\777\\04");
    }

    #[test]
    fn lines_of_another_form_are_left_out() {
        for line in ["", " - ", " - cgroup", "- cgroup2 x y", "1 2 3 - cgroup2 cgroup rw", "1 2 3 / /a rw - x y"] {
            assert_eq!(parse(line).count(), 0, "{line}");
        }
    }
}
