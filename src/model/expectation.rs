//! Expectations: which values of a setting satisfy a profile, and what to write where the current value does not.

use std::fmt;

use super::value::Value;

/// The values of a setting that satisfy a profile. `T` is [`Value`], or the value as it is written in the profile.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expectation<T> {
    /// This value and no other.
    Exactly(T),
    /// Not below, not above, or both; for lists of numbers, each number by itself. At least one is given.
    Bounds {
        /// The lowest value that satisfies it. A higher one is never lowered.
        at_least: Option<T>,
        /// The highest value that satisfies it. A lower one is never raised.
        at_most: Option<T>,
    },
    /// A range that contains this one. A wider one is never narrowed.
    Covers(T),
    /// A list that contains this one. Other members are never removed.
    Includes(T),
    /// Any of these. The first is written where the current value is another one.
    OneOf(Vec<T>),
}

impl<T> Expectation<T> {
    /// The same expectation with each value changed.
    ///
    /// # Errors
    /// The first error of `change`.
    pub fn try_map<U, E>(&self, mut change: impl FnMut(&T) -> Result<U, E>) -> Result<Expectation<U>, E> {
        Ok(match self {
            Self::Exactly(value) => Expectation::Exactly(change(value)?),
            Self::Bounds { at_least, at_most } => Expectation::Bounds {
                at_least: at_least.as_ref().map(&mut change).transpose()?,
                at_most: at_most.as_ref().map(&mut change).transpose()?,
            },
            Self::Covers(value) => Expectation::Covers(change(value)?),
            Self::Includes(value) => Expectation::Includes(change(value)?),
            Self::OneOf(values) => Expectation::OneOf(values.iter().map(change).collect::<Result<_, _>>()?),
        })
    }

    /// [`Expectation::try_map`] where no value can be refused.
    #[must_use]
    pub fn map<U>(&self, mut change: impl FnMut(&T) -> U) -> Expectation<U> {
        let Ok(changed) = self.try_map(|value| Ok::<U, std::convert::Infallible>(change(value)));
        changed
    }

    /// Every value that is named.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        let (first, second, rest): (Option<&T>, Option<&T>, &[T]) = match self {
            Self::Exactly(value) | Self::Covers(value) | Self::Includes(value) => (Some(value), None, &[]),
            Self::Bounds { at_least, at_most } => (at_least.as_ref(), at_most.as_ref(), &[]),
            Self::OneOf(values) => (None, None, values),
        };
        first.into_iter().chain(second).chain(rest)
    }
}

impl Expectation<Value> {
    /// Whether `found` satisfies it.
    #[must_use]
    pub fn holds(&self, found: &Value) -> bool {
        self.target(found).is_none()
    }

    /// A value that satisfies it, to be shown in a remedy: the one nearest to `found` where that is known, else the
    /// lowest.
    #[must_use]
    pub fn nearest(&self, found: Option<&Value>) -> Option<Value> {
        match found {
            Some(found) => self.target(found).or_else(|| Some(found.clone())),
            None => self.values().next().cloned(),
        }
    }

    /// What to write where the current value is `found`: the nearest value that satisfies it, or `None` where `found`
    /// does. Where the shapes differ, it is the value that the expectation names.
    #[must_use]
    pub fn target(&self, found: &Value) -> Option<Value> {
        let target = match self {
            Self::Exactly(value) => value.clone(),
            Self::Bounds { at_least, at_most } => {
                let raised = at_least.as_ref().map_or_else(|| found.clone(), |low| each(low, found, Ord::max));
                at_most.as_ref().map_or_else(|| raised.clone(), |high| each(high, &raised, Ord::min))
            }
            Self::Covers(value) => widened(value, found),
            Self::Includes(value) => match (value, found) {
                (Value::Ranges(ours), Value::Ranges(theirs)) => Value::Ranges(theirs.union(ours)),
                _ => value.clone(),
            },
            Self::OneOf(values) if values.contains(found) => found.clone(),
            Self::OneOf(values) => values.first()?.clone(),
        };
        (target != *found).then_some(target)
    }
}

/// `choose` applied to each pair of numbers, where both have the same shape; else `ours`.
fn each(ours: &Value, theirs: &Value, choose: fn(i128, i128) -> i128) -> Value {
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) => Value::Number(choose(*a, *b)),
        (Value::Numbers(a), Value::Numbers(b)) if a.len() == b.len() => {
            Value::Numbers(a.iter().zip(b).map(|(a, b)| choose(*a, *b)).collect())
        }
        (Value::Limit(a), Value::Limit(b)) => {
            // Which of two numbers `choose` takes tells whether the higher or the lower limit is wanted.
            let higher = choose(0, 1) == 1;
            Value::Limit(if higher { *a.max(b) } else { *a.min(b) })
        }
        _ => ours.clone(),
    }
}

/// The range that covers both.
fn widened(ours: &Value, theirs: &Value) -> Value {
    match (ours, theirs) {
        (Value::Numbers(a), Value::Numbers(b)) if a.len() == 2 && b.len() == 2 => {
            Value::Numbers(vec![a[0].min(b[0]), a[1].max(b[1])])
        }
        _ => ours.clone(),
    }
}

impl<T: fmt::Display> fmt::Display for Expectation<T> {
    /// `at least 32768`, `covers 1024 65535`, `8 to 10`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(value) => write!(f, "{value}"),
            Self::Bounds { at_least: Some(low), at_most: Some(high) } => write!(f, "{low} to {high}"),
            Self::Bounds { at_least: Some(low), at_most: None } => write!(f, "at least {low}"),
            Self::Bounds { at_least: None, at_most: Some(high) } => write!(f, "at most {high}"),
            Self::Bounds { at_least: None, at_most: None } => f.write_str("anything"),
            Self::Covers(value) => write!(f, "covers {value}"),
            Self::Includes(value) => write!(f, "includes {value}"),
            Self::OneOf(values) => {
                f.write_str("one of ")?;
                for (i, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if i == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::limit::Limit;
    use crate::model::ranges::Ranges;

    fn at_least(value: Value) -> Expectation<Value> {
        Expectation::Bounds { at_least: Some(value), at_most: None }
    }

    fn at_most(value: Value) -> Expectation<Value> {
        Expectation::Bounds { at_least: None, at_most: Some(value) }
    }

    #[test]
    fn at_least_never_lowers_and_at_most_never_raises() {
        let low = at_least(Value::Number(128));
        assert_eq!(low.target(&Value::Number(4096)), None);
        assert_eq!(low.target(&Value::Number(1)), Some(Value::Number(128)));
        let high = at_most(Value::Number(10));
        assert_eq!(high.target(&Value::Number(0)), None);
        assert_eq!(high.target(&Value::Number(60)), Some(Value::Number(10)));
        let limit = at_least(Value::Limit(Limit::Value(5)));
        assert_eq!(limit.target(&Value::Limit(Limit::Unlimited)), None);
        let limit = at_most(Value::Limit(Limit::Value(5)));
        assert_eq!(limit.target(&Value::Limit(Limit::Unlimited)), Some(Value::Limit(Limit::Value(5))));
    }

    #[test]
    fn lists_of_numbers_are_bounded_one_by_one() {
        let wanted = at_least(Value::Numbers(vec![4096, 87380, 16_777_216]));
        assert_eq!(
            wanted.target(&Value::Numbers(vec![4096, 131_072, 6_291_456])),
            Some(Value::Numbers(vec![4096, 131_072, 16_777_216]))
        );
    }

    #[test]
    fn ranges_only_widen_and_lists_only_grow() {
        let covers = Expectation::Covers(Value::Numbers(vec![1024, 65535]));
        assert_eq!(covers.target(&Value::Numbers(vec![900, 60999])), Some(Value::Numbers(vec![900, 65535])));
        assert!(covers.holds(&Value::Numbers(vec![1, 65535])));
        let includes = Expectation::Includes(Value::Ranges(Ranges::between(8080, 8080)));
        assert_eq!(
            includes.target(&Value::Ranges(Ranges::between(80, 81))).map(|v| v.to_string()),
            Some("80-81,8080".to_owned())
        );
    }

    #[test]
    fn of_several_the_first_is_written() {
        let wanted = Expectation::OneOf(vec![Value::text("madvise"), Value::text("never")]);
        assert!(wanted.holds(&Value::text("never")));
        assert_eq!(wanted.target(&Value::text("always")), Some(Value::text("madvise")));
    }

    #[test]
    fn what_is_wanted_reads_as_a_person_would_say_it() {
        assert_eq!(at_least(Value::Number(5)).to_string(), "at least 5");
        let both = Expectation::Bounds { at_least: Some(Value::Number(5)), at_most: Some(Value::Number(9)) };
        assert_eq!(both.to_string(), "5 to 9");
        assert_eq!(Expectation::Covers(Value::Numbers(vec![1024, 65535])).to_string(), "covers 1024 65535");
    }
}
