//! `port-taken`: the service could not listen, since an outgoing connection had been given its port.
//!
//! To the load tester it looks as if nothing listened; the port is in the range of ephemeral ports and is not reserved.

use super::observation::{ClientError, Observation, Side};
use super::sign::{Measure, Note, Sign};
use super::{Bound, Code, Fix, Judgement, Limit};
use crate::model::expectation::Expectation;
use crate::model::ranges::Ranges;
use crate::model::value::{MAX_PORT, Value};

const RESERVED: &str = "net.ipv4.ip_local_reserved_ports";

pub(super) fn judge(run: &Observation, _: &mut Vec<Note>) -> Judgement {
    let Some(target) = run.target.filter(|target| target.taken && !target.listening) else { return Judgement::Clear };
    let mut because = vec![Sign::alone(Measure::PortHeld, Side::Service, target.port.into())];
    if run.client.outcome.names(ClientError::Refused) {
        because.push(Sign::alone(Measure::Error(ClientError::Refused), Side::Client, 1));
    }
    let port = Ranges::parse(&target.port.to_string(), MAX_PORT).map(Value::Ranges);
    let fixes = port.ok().and_then(|port| Fix::set(RESERVED, Expectation::Includes(port), Side::Service));
    let limit = Limit { code: Code::PortTaken, bound: Bound::sysctl(RESERVED), fixes: fixes.into_iter().collect() };
    Judgement::Limit(limit, because)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::observation::Target;
    use crate::verdict::tests::{healthy, limit_of};

    #[test]
    fn nothing_listens_and_something_else_has_the_port() {
        for (listening, taken, limit) in
            [(false, true, Some(Code::PortTaken)), (false, false, None), (true, true, None), (true, false, None)]
        {
            let mut run = healthy();
            run.target = Some(Target { port: 40_000, listening, taken });
            assert_eq!(limit_of(judge, &run), limit, "listening {listening}, taken {taken}");
        }
    }
}
