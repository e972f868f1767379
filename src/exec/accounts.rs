//! Users and groups, from the texts of `/etc/passwd` and `/etc/group`.
//!
//! They are read directly: a static binary has no name service switch, and the accounts of a container are its files.
#![forbid(unsafe_code)]

/// A file of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Database {
    /// The users, passwd(5).
    Passwd,
    /// The groups, group(5).
    Group,
}

impl Database {
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Passwd => "/etc/passwd",
            Self::Group => "/etc/group",
        }
    }
}

/// The user that a service runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServiceUser {
    /// The user ID.
    pub(super) uid: u32,
    /// The group ID; `None` keeps our own, as gosu and Docker do for user IDs without an entry.
    pub(super) gid: Option<u32>,
    /// The supplementary group IDs.
    pub(super) groups: Vec<u32>,
    /// The home directory, `/` where none is known.
    pub(super) home: String,
}

/// A name without an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnknownName {
    pub(super) database: Database,
    pub(super) name: String,
}

/// One line of passwd(5).
struct PasswdEntry<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

/// One line of group(5).
struct GroupEntry<'a> {
    name: &'a str,
    gid: u32,
    /// Names of users, with commas.
    members: &'a str,
}

/// Lines that are cut off, commented out or hold no numbers are passed over, as the C library does.
fn users(passwd: &str) -> impl Iterator<Item = PasswdEntry<'_>> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, _password) = (fields.next()?, fields.next()?);
        let (uid, gid) = (number(fields.next()?)?, number(fields.next()?)?);
        let _full_name = fields.next();
        Some(PasswdEntry { name, uid, gid, home: fields.next().unwrap_or("") })
    })
}

fn groups(group: &str) -> impl Iterator<Item = GroupEntry<'_>> {
    group.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, _password) = (fields.next()?, fields.next()?);
        Some(GroupEntry { name, gid: number(fields.next()?)?, members: fields.next().unwrap_or("") })
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
/// The name that has no entry.
pub(super) fn resolve(wanted: &str, passwd: &str, group: &str) -> Result<ServiceUser, UnknownName> {
    let (user_text, group_text) = match wanted.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (wanted, None),
    };
    let named = users(passwd).find(|user| user.name == user_text);
    let user = named.or_else(|| number(user_text).and_then(|uid| users(passwd).find(|user| user.uid == uid)));
    let uid = match (&user, number(user_text)) {
        (Some(user), _) => user.uid,
        (None, Some(uid)) => uid,
        (None, None) => return Err(UnknownName { database: Database::Passwd, name: user_text.to_owned() }),
    };
    let home = user.as_ref().map(|user| user.home).filter(|home| !home.is_empty()).unwrap_or("/").to_owned();
    if let Some(group_text) = group_text {
        let gid = group_number(group_text, group)?;
        return Ok(ServiceUser { uid, gid: Some(gid), groups: vec![], home });
    }
    let Some(user) = user else { return Ok(ServiceUser { uid, gid: None, groups: vec![], home }) };
    let mut others: Vec<u32> =
        groups(group).filter(|group| group.members.split(',').any(|name| name == user.name)).map(|g| g.gid).collect();
    others.retain(|&gid| gid != user.gid);
    others.sort_unstable();
    others.dedup();
    Ok(ServiceUser { uid, gid: Some(user.gid), groups: others, home })
}

/// The number of a group, by name or number.
///
/// # Errors
/// The name has no entry.
pub(super) fn group_number(wanted: &str, group: &str) -> Result<u32, UnknownName> {
    let named = groups(group).find(|group| group.name == wanted).map(|group| group.gid);
    named.or_else(|| number(wanted)).ok_or_else(|| UnknownName { database: Database::Group, name: wanted.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/sh\n# node:x:7:7\nbroken:x:one:1\n\
                          node:x:1000:1001:Node,,,:/home/node:/bin/bash\n2000:x:3000:3001::/odd:\nbare:x:5:6\n";
    const GROUPS: &str =
        "root:x:0:\nnode:x:1001:\naudio:x:29:node,root\nvideo:x:44:root,node\nnoden:x:50:noden\nempty:x:60";

    fn user(uid: u32, gid: Option<u32>, groups: &[u32], home: &str) -> ServiceUser {
        ServiceUser { uid, gid, groups: groups.to_vec(), home: home.to_owned() }
    }

    #[test]
    fn users_are_found_by_name_and_number() {
        for (wanted, expected) in [
            ("node", user(1000, Some(1001), &[29, 44], "/home/node")),
            ("1000", user(1000, Some(1001), &[29, 44], "/home/node")),
            ("root", user(0, Some(0), &[29, 44], "/root")),
            ("2000", user(3000, Some(3001), &[], "/odd")),
            ("bare", user(5, Some(6), &[], "/")),
            ("4711", user(4711, None, &[], "/")),
            ("4711:4712", user(4711, Some(4712), &[], "/")),
            ("node:audio", user(1000, Some(29), &[], "/home/node")),
            ("node:empty", user(1000, Some(60), &[], "/home/node")),
        ] {
            assert_eq!(resolve(wanted, USERS, GROUPS), Ok(expected), "{wanted}");
        }
    }

    #[test]
    fn what_is_unknown_or_no_number_is_refused() {
        use Database::{Group, Passwd};
        for (wanted, database, name) in [
            ("nobody", Passwd, "nobody"),
            ("-1", Passwd, "-1"),
            ("4294967295", Passwd, "4294967295"),
            ("4294967296", Passwd, "4294967296"),
            ("+5", Passwd, "+5"),
            ("", Passwd, ""),
            ("node:nogroup", Group, "nogroup"),
            ("node:", Group, ""),
            ("broken", Passwd, "broken"),
        ] {
            let expected = UnknownName { database, name: name.to_owned() };
            assert_eq!(resolve(wanted, USERS, GROUPS), Err(expected), "{wanted}");
        }
    }
}
