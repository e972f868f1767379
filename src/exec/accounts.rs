//! Users and groups, from the texts of `/etc/passwd` and `/etc/group`.
//!
//! Read directly: a static binary has no name service switch, and a container's accounts are its files.
#![forbid(unsafe_code)]

use crate::model::order::by_place;

/// Where users stand, passwd(5).
pub(super) const PASSWD: &str = "/etc/passwd";
/// Where groups stand, group(5).
pub(super) const GROUP: &str = "/etc/group";

/// Whom a service runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    /// The user's number.
    pub(super) uid: u32,
    /// The group's number; `None` keeps the one we have, as gosu and Docker do it for numbers without an entry.
    pub(super) gid: Option<u32>,
    /// The other groups that the user belongs to.
    pub(super) groups: Vec<u32>,
    /// The home directory, `/` where none is known.
    pub(super) home: String,
}

/// A name that is in none of the lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    what: &'static str,
    name: String,
    /// Where it was looked for.
    pub(super) file: &'static str,
}

impl Unknown {
    /// The message; `unread` says why the file could not be read, if that is so.
    pub(super) fn message(&self, unread: Option<&str>) -> String {
        let (what, name, file) = (self.what, self.name.escape_debug(), self.file);
        match unread {
            None => format!("{what} `{name}` is not in {file}"),
            Some(reason) => format!("{what} `{name}` can't be looked up: {file}: {reason}"),
        }
    }
}

/// One line of passwd(5).
struct User<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

/// One line of group(5).
struct Group<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

/// Lines that are cut off, commented out or hold no numbers are passed over, as the C library does.
fn users(passwd: &str) -> impl Iterator<Item = User<'_>> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, _password) = (fields.next()?, fields.next()?);
        let (uid, gid) = (number(fields.next()?)?, number(fields.next()?)?);
        let _full_name = fields.next();
        Some(User { name, uid, gid, home: fields.next().unwrap_or("") })
    })
}

fn groups(group: &str) -> impl Iterator<Item = Group<'_>> {
    group.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, _password) = (fields.next()?, fields.next()?);
        Some(Group { name, gid: number(fields.next()?)?, members: fields.next().unwrap_or("") })
    })
}

/// A user or group number: decimal digits only, and not the one that means "unchanged" to setresuid(2).
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&number| digits && number != u32::MAX)
}

/// Reads `NAME|UID[:GROUP|GID]`.
///
/// With a group named, that one is the only one. Without, it is the user's own, and those that list him as a member.
/// A name goes before a number: a user may be called `1000`.
///
/// # Errors
/// Says which name is unknown, and where it was looked for.
pub(super) fn resolve(wanted: &str, passwd: &str, group: &str) -> Result<Account, Unknown> {
    let (user_text, group_text) = match wanted.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (wanted, None),
    };
    let named = users(passwd).find(|user| user.name == user_text);
    let user = named.or_else(|| number(user_text).and_then(|uid| users(passwd).find(|user| user.uid == uid)));
    let uid = match (&user, number(user_text)) {
        (Some(user), _) => user.uid,
        (None, Some(uid)) => uid,
        (None, None) => return Err(Unknown { what: "user", name: user_text.to_owned(), file: PASSWD }),
    };
    let home = user.as_ref().map(|user| user.home).filter(|home| !home.is_empty()).unwrap_or("/").to_owned();
    if let Some(group_text) = group_text {
        let gid = group_number(group_text, group)?;
        return Ok(Account { uid, gid: Some(gid), groups: vec![], home });
    }
    let Some(user) = user else { return Ok(Account { uid, gid: None, groups: vec![], home }) };
    let mut others: Vec<u32> =
        groups(group).filter(|group| group.members.split(',').any(|name| name == user.name)).map(|g| g.gid).collect();
    others.retain(|&gid| gid != user.gid);
    others = by_place(others, |gid| usize::try_from(*gid).unwrap_or(usize::MAX));
    others.dedup();
    Ok(Account { uid, gid: Some(user.gid), groups: others, home })
}

/// The number of a group, by name or number.
///
/// # Errors
/// The name is unknown.
pub(super) fn group_number(wanted: &str, group: &str) -> Result<u32, Unknown> {
    let named = groups(group).find(|group| group.name == wanted).map(|group| group.gid);
    named.or_else(|| number(wanted)).ok_or_else(|| Unknown { what: "group", name: wanted.to_owned(), file: GROUP })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/sh\n# node:x:7:7\nbroken:x:one:1\n\
                          node:x:1000:1001:Node,,,:/home/node:/bin/bash\n2000:x:3000:3001::/odd:\nbare:x:5:6\n";
    const GROUPS: &str =
        "root:x:0:\nnode:x:1001:\naudio:x:29:node,root\nvideo:x:44:root,node\nnoden:x:50:noden\nempty:x:60";

    fn account(uid: u32, gid: Option<u32>, groups: &[u32], home: &str) -> Account {
        Account { uid, gid, groups: groups.to_vec(), home: home.to_owned() }
    }

    #[test]
    fn users_are_found_by_name_and_number() {
        for (wanted, expected) in [
            ("node", account(1000, Some(1001), &[29, 44], "/home/node")),
            ("1000", account(1000, Some(1001), &[29, 44], "/home/node")),
            ("root", account(0, Some(0), &[29, 44], "/root")),
            ("2000", account(3000, Some(3001), &[], "/odd")),
            ("bare", account(5, Some(6), &[], "/")),
            ("4711", account(4711, None, &[], "/")),
            ("4711:4712", account(4711, Some(4712), &[], "/")),
            ("node:audio", account(1000, Some(29), &[], "/home/node")),
            ("node:empty", account(1000, Some(60), &[], "/home/node")),
        ] {
            assert_eq!(resolve(wanted, USERS, GROUPS), Ok(expected), "{wanted}");
        }
    }

    #[test]
    fn what_is_unknown_or_no_number_is_refused() {
        for (wanted, message) in [
            ("nobody", "user `nobody` is not in /etc/passwd"),
            ("-1", "user `-1` is not in /etc/passwd"),
            ("4294967295", "user `4294967295` is not in /etc/passwd"),
            ("4294967296", "user `4294967296` is not in /etc/passwd"),
            ("+5", "user `+5` is not in /etc/passwd"),
            ("", "user `` is not in /etc/passwd"),
            ("node:nogroup", "group `nogroup` is not in /etc/group"),
            ("node:", "group `` is not in /etc/group"),
            ("broken", "user `broken` is not in /etc/passwd"),
        ] {
            assert_eq!(resolve(wanted, USERS, GROUPS).unwrap_err().message(None), message, "{wanted}");
        }
    }
}
