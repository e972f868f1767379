//! Values that nobody can mean, and values that the kernel would make something else of.

use crate::files::bad;

/// The message for one line in `[linux.sysctl]`.
fn sysctl(line: &str) -> String {
    bad(&format!("[linux.sysctl]\n{line}\n"))
}

/// The message for one line in `[rlimit]`, without its first words.
fn limit(line: &str) -> String {
    bad(&format!("[rlimit]\n{line}\n"))
}

#[test]
fn values_that_the_kernel_would_misread() {
    for (line, message) in [
        (
            "net.core.somaxconn = '010'",
            "`010` has a leading zero, which the kernel takes for octal; write `10` if the decimal number is meant",
        ),
        (
            "my.own.key = '010'",
            "`010` has a leading zero, which the kernel takes for octal; write `10` if the decimal number is meant",
        ),
        (
            "net.ipv4.tcp_rmem = '4096 010 5'",
            "`010` has a leading zero, which the kernel takes for octal; write `10` if the decimal number is meant",
        ),
        ("net.core.somaxconn = '\"5\"'", "`\\\"5\\\"` holds a quote"),
        ("net.ipv4.tcp_congestion_control = \"'bbr'\"", "`\\'bbr\\'` holds a quote"),
        ("my.own.key = \"a\\nb\"", "`a\\nb` holds a control character"),
        ("my.own.key = \"a\\u0000b\"", "`a\\0b` holds a control character"),
        ("net.core.somaxconn = 1.5", "expected a whole number, found the float `1.5`"),
        ("my.own.key = 1.5", "expected a whole number, found the float `1.5`"),
        ("my.own.key = 1979-05-27", "expected a whole number, found the date `1979-05-27`"),
        ("net.core.somaxconn = [1, 2]", "expected a whole number, found an array of 2"),
        (
            "net.core.somaxconn = 'many'",
            "`many` is not an amount: expected a whole number, or one such as `64KiB`, `25% of memory`, `4096 per cpu`",
        ),
        ("net.core.somaxconn = -1", "expected 1 to 2147483647, found `-1`"),
        ("net.core.somaxconn = 2147483648", "expected 1 to 2147483647, found `2147483648`"),
        ("net.core.somaxconn = '4GiB'", "expected 1 to 2147483647, found `4294967296`"),
        ("net.core.somaxconn = { at_least = 0 }", "expected 1 to 2147483647, found `0`"),
        ("my.own.key = 99999999999999999999", "`99999999999999999999` is more than 64 bits can hold"),
        ("net.ipv4.tcp_rmem = 4096", "expected 3 whole numbers, as in `[1, 2, 3]`, found `4096`"),
        ("net.ipv4.tcp_rmem = [4096, 87380]", "expected 3 whole numbers, as in `[1, 2, 3]`, found 2"),
        ("net.ipv4.tcp_rmem = '4096'", "expected 3 whole numbers, as in `[1, 2, 3]`, found one"),
        ("net.ipv4.tcp_rmem = []", "expected 3 whole numbers, as in `[1, 2, 3]`, found 0"),
        ("my.own.key = []", "expected a list of whole numbers, found an empty array"),
        ("net.ipv4.tcp_congestion_control = 5", "expected one word, found `5`"),
        ("net.ipv4.tcp_congestion_control = 'bbr cubic'", "expected one word, found `\"bbr cubic\"`"),
        ("net.ipv4.ip_local_port_range = 1024", "expected two ports, as in `[1024, 65535]`, found `1024`"),
        ("net.ipv4.ip_local_port_range = [1024]", "expected two ports, as in `[1024, 65535]`, found one"),
        ("net.ipv4.ip_local_port_range = [0, 65535]", "expected ports from 1 to 65535, found `0`"),
        ("net.ipv4.ip_local_port_range = [1024, 65536]", "expected ports from 1 to 65535, found `65536`"),
        (
            "net.ipv4.ip_local_reserved_ports = '8080 9090'",
            "`8080 9090` is neither a number nor a range such as `9000-9010`",
        ),
        (
            "net.ipv4.ip_local_reserved_ports = [8080, 65536]",
            "`65536` is above 65535, the largest that can be listed here",
        ),
        (
            "net.ipv4.ip_local_reserved_ports = true",
            "expected a list of ports, as in `\"8080,9000-9010\"`, found `true`",
        ),
    ] {
        let said = sysctl(line);
        assert_eq!(said.lines().next(), Some(format!("error: {message}").as_str()), "{line}");
        assert_eq!(said.matches("error:").count(), 1, "{said}");
    }
}

#[test]
fn the_right_form_is_shown_where_it_can_be_known() {
    assert_eq!(
        sysctl("net.ipv4.ip_local_port_range = \"40000-50000\""),
        "\
error: expected two ports, as in `[1024, 65535]`, found `\"40000-50000\"`
 --> a.toml:2:32
  |
2 | net.ipv4.ip_local_port_range = \"40000-50000\"
  |                                ^^^^^^^^^^^^^
  |
  = help: write `[40000, 50000]`"
    );
    assert_eq!(
        sysctl("net.ipv4.ip_local_port_range = { covers = [65535, 1024] }"),
        "\
error: range `65535 1024` is upside down
 --> a.toml:2:43
  |
2 | net.ipv4.ip_local_port_range = { covers = [65535, 1024] }
  |                                           ^^^^^^^^^^^^^
  |
  = help: write `[1024, 65535]`"
    );
}

#[test]
fn operators_that_cannot_be_meant() {
    for (line, message) in [
        ("net.core.somaxconn = { covers = [1, 2] }", "`covers` can't be asked of a setting that takes a whole number"),
        ("net.core.somaxconn = { includes = 5 }", "`includes` can't be asked of a setting that takes a whole number"),
        (
            "net.ipv4.tcp_congestion_control = { at_least = 'bbr' }",
            "`at_least` can't be asked of a setting that takes one word",
        ),
        (
            "net.ipv4.tcp_rmem = { covers = [1, 2, 3] }",
            "`covers` can't be asked of a setting that takes 3 whole numbers, as in `[1, 2, 3]`",
        ),
        (
            "net.ipv4.ip_local_port_range = { at_most = [1, 2] }",
            "`at_most` can't be asked of a setting that takes two ports, as in `[1024, 65535]`",
        ),
        (
            "net.ipv4.ip_local_reserved_ports = { covers = '1-5' }",
            "`covers` can't be asked of a setting that takes a list of ports, as in `\"8080,9000-9010\"`",
        ),
        ("my.own.key = { at_most = 'words' }", "`at_most` can't be asked of a setting that takes one line of text"),
        ("my.own.key = { covers = [5, 4] }", "range `5 4` is upside down"),
        ("my.own.key = { covers = [5, 6, 7] }", "expected 2 whole numbers, as in `[1, 2]`, found 3"),
        ("vm.swappiness = { at_least = 5, at_most = 4 }", "`at_least` is above `at_most`: no value can be both"),
        (
            "net.ipv4.tcp_rmem = { at_least = [1, 9, 1], at_most = [2, 8, 2] }",
            "`at_least` is above `at_most`: no value can be both",
        ),
        ("vm.swappiness = { exactly = 5, at_most = 5 }", "`at_most` can't stand beside `exactly`"),
        ("vm.swappiness = { at_least = 5, one_of = [5] }", "`one_of` can't stand beside `at_least`"),
        ("vm.swappiness = { one_of = [] }", "an empty `one_of` can't hold: expected at least one value"),
        ("vm.swappiness = { one_of = 5 }", "expected an array of values, found `5`"),
        ("vm.swappiness = {}", "this asks for nothing"),
        ("vm.swappiness = { required = false }", "this asks for nothing"),
        ("vm.swappiness = { at_most = 5, required = 'no' }", "expected `true` or `false`, found `\"no\"`"),
        ("vm = { swappiness = 5 }", "unknown operator `swappiness`"),
    ] {
        let said = sysctl(line);
        assert_eq!(said.lines().next(), Some(format!("error: {message}").as_str()), "{line}");
    }
}

#[test]
fn limits_that_the_kernel_would_refuse() {
    let unlimited = "\n  |\n  = help: no limit is written `\"unlimited\"`";
    assert_eq!(
        limit("nofile = -1"),
        format!("error: a limit can't be negative\n --> a.toml:2:10\n  |\n2 | nofile = -1\n  |          ^^{unlimited}")
    );
    assert_eq!(
        limit("nofile = { soft = 5, hard = 4 }"),
        "\
error: the soft limit of nofile is above the hard one: 5 is asked, and 4
 --> a.toml:2:12
  |
2 | nofile = { soft = 5, hard = 4 }
  |            ^^^^^^^^
 ::: a.toml:2:22
  |
2 | nofile = { soft = 5, hard = 4 }
  |                      -------- the hard limit is asked here"
    );
    for (line, message) in [
        ("nofile = -5", "a limit can't be negative"),
        ("nofile = '-1'", "expected a whole number or `\"unlimited\"`, found `\"-1\"`"),
        ("nofile = 'infinity'", "expected a whole number or `\"unlimited\"`, found `\"infinity\"`"),
        ("nofile = 18446744073709551615", "`18446744073709551615` is above 18446744073709551614, the highest limit"),
        ("nofile = 18446744073709551616", "`18446744073709551616` is more than 64 bits can hold"),
        ("nofile = 1.5", "expected a whole number or `\"unlimited\"`, found the float `1.5`"),
        ("nofile = true", "expected a whole number or `\"unlimited\"`, found `true`"),
        ("nofile = [5, 6]", "expected a whole number or `\"unlimited\"`, found an array of 2"),
        ("nofile = { hard = 'hard' }", "`\"hard\"` is no value for the hard limit itself"),
        ("nofile = { at_least = 'hard' }", "`\"hard\"` is no value for the hard limit itself"),
        (
            "nofile = { covers = [1, 2] }",
            "`covers` can't be asked of a setting that takes a whole number or `\"unlimited\"`",
        ),
        ("nofile = { soft = 5, at_least = 5 }", "`at_least` can't stand beside `soft` and `hard`"),
        (
            "nofile = { soft = { at_least = 'unlimited' }, hard = 5 }",
            "the soft limit of nofile is above the hard one: at least unlimited is asked, and 5",
        ),
        (
            "nofile = { soft = { at_least = 6 }, hard = { at_most = 5 } }",
            "the soft limit of nofile is above the hard one: at least 6 is asked, and at most 5",
        ),
        ("nofile = {}", "this asks for nothing"),
        ("nofile = { sfot = 5 }", "unknown operator or side `sfot`, did you mean `soft`?"),
        ("nofile = { at_lest = 5 }", "unknown operator or side `at_lest`, did you mean `at_least`?"),
        ("nofile.soft = 5\nnofile.hard = 4", "the soft limit of nofile is above the hard one: 5 is asked, and 4"),
        ("NOFILE = 5", "unknown limit `NOFILE`, did you mean `nofile`?"),
    ] {
        assert_eq!(limit(line).lines().next(), Some(format!("error: {message}").as_str()), "{line}");
    }
}
