//! Queueing disciplines as rtnetlink(7) tells of them: what they dropped (`include/uapi/linux/rtnetlink.h`,
//! `gen_stats.h`).

use std::io;

use super::netlink::{Connection, attributes, list_request, u32_at};

/// `RTM_GETQDISC`, and the type of what comes back, `RTM_NEWQDISC`.
const RTM_GETQDISC: u16 = 38;
const RTM_NEWQDISC: u16 = 36;
/// The size of `struct tcmsg` in bytes.
const TCMSG: usize = 20;
/// `TCA_STATS2`, and in it `TCA_STATS_QUEUE`: `struct gnet_stats_queue`.
const TCA_STATS2: u16 = 7;
const TCA_STATS_QUEUE: u16 = 3;
/// `TC_H_ROOT`: the parent of the discipline at the root of an interface.
const TC_H_ROOT: u32 = u32::MAX;

/// What the queueing discipline of an interface counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Qdisc {
    /// The number of the interface.
    pub interface: u32,
    /// Packets that wait in it now.
    pub waiting: u32,
    /// Packets that it dropped.
    pub drops: u32,
}

/// Hands the discipline at the root of each interface of the connection's network namespace to `take`; those below one
/// are counted in it.
///
/// # Errors
/// The kernel was built without them (`EOPNOTSUPP`), or did not answer.
pub fn root_qdiscs(connection: &mut Connection, take: &mut dyn FnMut(Qdisc)) -> io::Result<()> {
    connection.list(&list_request(RTM_GETQDISC, &[0; TCMSG]), &mut |kind, payload| {
        if kind == RTM_NEWQDISC {
            root_qdisc(payload).into_iter().for_each(&mut *take);
        }
    })
}

/// `struct tcmsg`: family, interface, handle, parent, and attributes behind it.
fn root_qdisc(message: &[u8]) -> Option<Qdisc> {
    let (interface, parent) = (u32_at(message, 4)?, u32_at(message, 12)?);
    let stats = attributes(message.get(TCMSG..)?).find(|(kind, _)| *kind == TCA_STATS2)?.1;
    let queue = attributes(stats).find(|(kind, _)| *kind == TCA_STATS_QUEUE)?.1;
    // qlen, backlog, drops, requeues, overlimits.
    let (waiting, drops) = (u32_at(queue, 0)?, u32_at(queue, 8)?);
    (parent == TC_H_ROOT).then_some(Qdisc { interface, waiting, drops })
}

#[cfg(test)]
mod tests {
    use super::super::netlink::attribute;
    use super::*;

    fn reply(parent: u32, drops: u32) -> Vec<u8> {
        let mut message = vec![0; TCMSG];
        message[4..8].copy_from_slice(&2_u32.to_ne_bytes());
        message[12..16].copy_from_slice(&parent.to_ne_bytes());
        let queue: Vec<u8> = [5, 0, drops, 0, 0].into_iter().flat_map(u32::to_ne_bytes).collect();
        let stats = [attribute(1, &[0; 16]), attribute(TCA_STATS_QUEUE, &queue)].concat();
        message.extend([attribute(1, b"pfifo\0"), attribute(TCA_STATS2, &stats)].concat());
        message
    }

    #[test]
    fn drops_at_the_root_alone() {
        assert_eq!(root_qdisc(&reply(TC_H_ROOT, 13_570)), Some(Qdisc { interface: 2, waiting: 5, drops: 13_570 }));
        assert_eq!(root_qdisc(&reply(0x8001, 13_570)), None, "beneath another one");
        let whole = reply(TC_H_ROOT, 1);
        for length in 0..whole.len() {
            assert_eq!(root_qdisc(&whole[..length]), None, "{length}");
        }
    }
}
