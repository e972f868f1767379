//! The kernels that are booted, and what a boot needs. What is missing is named, never passed over.

use std::fs;
use std::path::PathBuf;

/// A distribution's kernel; `.ci/machine` names the same suites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// Linux 6.1 of Debian 12.
    Stable,
    /// The newest that Debian builds for a stable release.
    Newer,
    /// Linux 6.12 of Debian 13 on 64-bit ARM, with tunectl built for it.
    Arm,
}

impl Kernel {
    pub(crate) const ALL: [Self; 3] = [Self::Stable, Self::Newer, Self::Arm];

    pub(crate) fn image(self) -> PathBuf {
        needed(match self {
            Self::Stable => "kernels/bookworm-amd64/vmlinuz",
            Self::Newer => "kernels/trixie-backports-amd64/vmlinuz",
            Self::Arm => "kernels/trixie-arm64/vmlinuz",
        })
    }

    /// The modules that tests load, by their names, and the order in which they can be.
    pub(crate) fn modules(self) -> (Vec<(String, Vec<u8>)>, String) {
        let folder = self.image().with_file_name("modules");
        let order =
            fs::read_to_string(folder.join("order")).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let module = |name: &str| {
            let path = folder.join(name).with_extension("ko");
            (name.to_owned(), fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        };
        (order.lines().map(module).collect(), order)
    }

    /// A system with Debian's systemd, as a folder: of the first two kinds of machine only.
    pub(crate) fn systemd(self) -> PathBuf {
        assert_ne!(self, Self::Arm, "it is built for the other machines");
        needed("systemd")
    }

    /// A system with what Debian has to start containers, as a folder: of the same machines.
    pub(crate) fn engine(self) -> PathBuf {
        assert_ne!(self, Self::Arm, "it is built for the other machines");
        needed("engines")
    }

    /// The emulator and its arguments: a plain machine with two serial lines, the second one for results.
    pub(crate) fn emulator(self) -> Vec<&'static str> {
        match self {
            Self::Stable | Self::Newer => {
                vec!["qemu-system-x86_64", "-cpu", "max", "-device", "isa-serial,chardev=results"]
            }
            Self::Arm => vec![
                "qemu-system-aarch64",
                "-machine",
                "virt",
                "-cpu",
                "cortex-a53",
                "-device",
                "pci-serial,chardev=results",
            ],
        }
    }

    /// The name of the first serial line, and the numbers of the second: on ARM the two have different drivers.
    pub(crate) fn serial_lines(self) -> (&'static str, (u32, u32)) {
        match self {
            Self::Stable | Self::Newer => ("ttyS0", (4, 65)),
            Self::Arm => ("ttyAMA0", (4, 64)),
        }
    }

    /// The bytes of a static program for this kernel.
    pub(crate) fn program(self, name: &str) -> Vec<u8> {
        let path = needed(&match self {
            Self::Stable | Self::Newer => format!("x86_64/{name}"),
            Self::Arm => format!("aarch64/{name}"),
        });
        fs::read(&path).unwrap_or_else(|error| panic!("can't read {}: {error}", path.display()))
    }
}

/// What `.ci/machine` makes of `tests/machine/policies`, by its names there.
pub(crate) fn policies() -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(needed("policies")).expect("a folder that can be read");
    let files = entries.map(|entry| entry.expect("a folder that stays"));
    files
        .map(|file| {
            let name = file.file_name().into_string().expect("a name of ours");
            (name, fs::read(file.path()).expect("a file that can be read"))
        })
        .collect()
}

fn needed(file: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/machine").join(file);
    assert!(path.exists(), "the machine tier needs `{}`, which isn't there: run `.ci/machine`", path.display());
    path
}
