//! Putting things in order by a number that each has.

/// The items in the order of their places; those of one place stay as they were. Numbers are sorted and not the
/// items: they are lighter to move, and the program holds one sort instead of one for each type.
pub fn by_place<T>(items: Vec<T>, place: impl Fn(&T) -> usize) -> Vec<T> {
    let mut order: Vec<(usize, usize)> = items.iter().enumerate().map(|(at, item)| (place(item), at)).collect();
    if order.is_sorted() {
        return items;
    }
    order.sort_unstable();
    let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
    order.into_iter().filter_map(|(_, at)| items.get_mut(at)?.take()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_places_keep_their_order() {
        let words = vec!["three", "b", "two", "a", "", "four"];
        assert_eq!(by_place(words, |word| word.len()), ["", "b", "a", "two", "four", "three"]);
        assert_eq!(by_place(Vec::<u8>::new(), |byte| usize::from(*byte)), [0_u8; 0]);
    }
}
