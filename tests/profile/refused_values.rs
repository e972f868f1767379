//! Values that nobody can mean, and values that the kernel would make something else of.

use crate::files::refused_in;

#[test]
fn values_the_kernel_would_misread_are_refused() {
    refused_in(
        "linux.sysctl",
        "profile/refused_values/values_the_kernel_would_misread_are_refused",
        &[
            "net.core.somaxconn = '010'",
            "my.own.key = '010'",
            "net.ipv4.tcp_rmem = '4096 010 5'",
            "net.core.somaxconn = '\"5\"'",
            "net.ipv4.tcp_congestion_control = \"'bbr'\"",
            "my.own.key = \"a\\nb\"",
            "my.own.key = \"a\\u0000b\"",
            "net.core.somaxconn = 1.5",
            "my.own.key = 1.5",
            "my.own.key = 1979-05-27",
            "net.core.somaxconn = [1, 2]",
            "net.core.somaxconn = 'many'",
            "net.core.somaxconn = -1",
            "net.core.somaxconn = 2147483648",
            "net.core.somaxconn = '4GiB'",
            "net.core.somaxconn = { at_least = 0 }",
            "my.own.key = 99999999999999999999",
            "net.ipv4.tcp_rmem = 4096",
            "net.ipv4.tcp_rmem = [4096, 87380]",
            "net.ipv4.tcp_rmem = '4096'",
            "net.ipv4.tcp_rmem = []",
            "my.own.key = []",
            "net.ipv4.tcp_congestion_control = 5",
            "net.ipv4.tcp_congestion_control = 'bbr cubic'",
            "net.ipv4.ip_local_port_range = 1024",
            "net.ipv4.ip_local_port_range = [1024]",
            "net.ipv4.ip_local_port_range = [0, 65535]",
            "net.ipv4.ip_local_port_range = [1024, 65536]",
            "net.ipv4.ip_local_reserved_ports = '8080 9090'",
            "net.ipv4.ip_local_reserved_ports = [8080, 65536]",
            "net.ipv4.ip_local_reserved_ports = true",
        ],
    );
}

#[test]
fn refused_values_show_the_right_form() {
    refused_in(
        "linux.sysctl",
        "profile/refused_values/refused_values_show_the_right_form",
        &[
            "net.ipv4.ip_local_port_range = \"40000-50000\"",
            "net.ipv4.ip_local_port_range = { covers = [65535, 1024] }",
        ],
    );
}

#[test]
fn unsuitable_operators_are_refused() {
    refused_in(
        "linux.sysctl",
        "profile/refused_values/unsuitable_operators_are_refused",
        &[
            "net.core.somaxconn = { covers = [1, 2] }",
            "net.core.somaxconn = { includes = 5 }",
            "net.ipv4.tcp_congestion_control = { at_least = 'bbr' }",
            "net.ipv4.tcp_rmem = { covers = [1, 2, 3] }",
            "net.ipv4.ip_local_port_range = { at_most = [1, 2] }",
            "net.ipv4.ip_local_reserved_ports = { covers = '1-5' }",
            "my.own.key = { at_most = 'words' }",
            "my.own.key = { covers = [5, 4] }",
            "my.own.key = { covers = [5, 6, 7] }",
            "vm.swappiness = { at_least = 5, at_most = 4 }",
            "net.ipv4.tcp_rmem = { at_least = [1, 9, 1], at_most = [2, 8, 2] }",
            "vm.swappiness = { exactly = 5, at_most = 5 }",
            "vm.swappiness = { at_least = 5, one_of = [5] }",
            "vm.swappiness = { one_of = [] }",
            "vm.swappiness = { one_of = 5 }",
            "vm.swappiness = {}",
            "vm.swappiness = { required = false }",
            "vm.swappiness = { at_most = 5, required = 'no' }",
            "vm = { swappiness = 5 }",
        ],
    );
}

#[test]
fn invalid_limits_are_refused() {
    refused_in(
        "rlimit",
        "profile/refused_values/invalid_limits_are_refused",
        &[
            "nofile = -1",
            "nofile = { soft = 5, hard = 4 }",
            "nofile = -5",
            "nofile = '-1'",
            "nofile = 'infinity'",
            "nofile = 18446744073709551615",
            "nofile = 18446744073709551616",
            "nofile = 1.5",
            "nofile = true",
            "nofile = [5, 6]",
            "nofile = { hard = 'hard' }",
            "nofile = { at_least = 'hard' }",
            "nofile = { covers = [1, 2] }",
            "nofile = { soft = 5, at_least = 5 }",
            "nofile = { soft = { at_least = 'unlimited' }, hard = 5 }",
            "nofile = { soft = { at_least = 6 }, hard = { at_most = 5 } }",
            "nofile = {}",
            "nofile = { sfot = 5 }",
            "nofile = { at_lest = 5 }",
            "nofile.soft = 5\nnofile.hard = 4",
            "NOFILE = 5",
        ],
    );
}
