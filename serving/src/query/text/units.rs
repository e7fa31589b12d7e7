//! Numbers as people read them.

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `12.3 MiB`, in powers of 1024.
pub(super) fn bytes(number: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let steps = (u64::BITS - number.max(1).leading_zeros() - 1) / 10;
    let unit = units.get(steps as usize).unwrap_or(&"EiB");
    if steps == 0 {
        return format!("{number} {unit}");
    }
    format!("{:.1} {unit}", number as f64 / (1u64 << (10 * steps)) as f64)
}

/// `12.3 ms`, from microseconds.
pub(super) fn duration(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}

/// `12.3 %`; `0 %` of nothing.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".to_owned();
    }
    format!("{:.1} %", part as f64 * 100.0 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1234567, "1,234,567")]
        {
            assert_eq!(grouped(number), expected);
        }
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn bytes_have_the_unit_that_fits() {
        for (number, expected) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1 << 30, "1.0 GiB")]
        {
            assert_eq!(bytes(number), expected);
        }
        assert_eq!(bytes(u64::MAX), "16.0 EiB");
    }

    #[test]
    fn durations_and_shares() {
        assert_eq!([999, 1_500, 2_500_000].map(duration), ["999 µs", "1.5 ms", "2.5 s"]);
        assert_eq!([share(1, 3), share(0, 0), share(5, 5)], ["33.3 %", "0 %", "100.0 %"]);
    }
}
