//! Charts made of characters.

const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One column per value, as high as its share of the largest; a value above zero never vanishes.
pub(super) fn sparkline(values: &[u64]) -> String {
    let largest = values.iter().copied().max().unwrap_or(0).max(1);
    let column = |value: &u64| {
        let eighths = (*value as f64 / largest as f64 * 8.0).round() as usize;
        let eighths = eighths.max(usize::from(*value > 0)).min(8);
        EIGHTHS.get(eighths).copied().unwrap_or(' ')
    };
    values.iter().map(column).collect()
}

/// A bar of up to `width` characters for a value's share of `largest`.
pub(super) fn bar(value: u64, largest: u64, width: usize) -> String {
    let share = value as f64 / largest.max(1) as f64;
    let eighths = (share * width as f64 * 8.0).round() as usize;
    let eighths = eighths.max(usize::from(value > 0)).min(width * 8);
    let mut bar = "█".repeat(eighths / 8);
    // From the left: ▏ is one eighth, ▉ seven.
    if let Some(rest) =
        [None, Some('▏'), Some('▎'), Some('▍'), Some('▌'), Some('▋'), Some('▊'), Some('▉')]
            .get(eighths % 8)
            .copied()
            .flatten()
    {
        bar.push(rest);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparklines_scale_to_the_largest() {
        assert_eq!(sparkline(&[0, 1, 50, 100]), " ▁▄█");
        assert_eq!(sparkline(&[0, 0]), "  ");
        assert_eq!(sparkline(&[]), "");
        assert_eq!(sparkline(&[u64::MAX, 1]), "█▁");
    }

    #[test]
    fn bars_scale_to_their_width() {
        assert_eq!(bar(10, 10, 3), "███");
        assert_eq!(bar(5, 10, 3), "█▌");
        assert_eq!(bar(1, 1000, 3), "▏");
        assert_eq!(bar(0, 0, 3), "");
        assert_eq!(bar(9, 3, 2), "██", "never wider");
    }
}
