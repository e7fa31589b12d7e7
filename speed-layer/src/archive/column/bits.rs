//! Parquet's RLE and bit-packing hybrid (Encodings.md, "Run Length Encoding / Bit-Packing Hybrid"),
//! as far as we write it: one run that repeats a value, or one of packed values.

/// The bits that the numbers below `count` need.
pub fn width(count: usize) -> u8 {
    (usize::BITS - count.saturating_sub(1).leading_zeros()) as u8
}

/// Appends values of `width` bits.
pub fn encode(values: &[u32], width: u8, out: &mut Vec<u8>) {
    let Some(first) = values.first() else { return };
    if is_one(values) {
        varint(values.len() << 1, out);
        out.extend_from_slice(&first.to_le_bytes()[..usize::from(width.div_ceil(8))]);
        return;
    }
    varint(values.len().div_ceil(8) << 1 | 1, out);
    pack(values, width, out);
}

/// Whether all values are the same.
pub fn is_one(values: &[u32]) -> bool {
    // Without an early end this is a few instructions for eight values.
    let Some(first) = values.first() else { return true };
    values.chunks(512).all(|some| some.iter().fold(0, |other, value| other | (value ^ first)) == 0)
}

/// Groups of eight values from the lowest bit on; the last group is filled up with zeros.
fn pack(values: &[u32], width: u8, out: &mut Vec<u8>) {
    let end = out.len() + values.len().div_ceil(8) * usize::from(width);
    out.reserve(end - out.len() + 8);
    let (mut held, mut bits) = (0u64, 0u32);
    for value in values {
        held |= u64::from(*value) << bits;
        bits += u32::from(width);
        if bits >= 32 {
            out.extend_from_slice(&(held as u32).to_le_bytes());
            held >>= 32;
            bits -= 32;
        }
    }
    out.extend_from_slice(&held.to_le_bytes());
    out.resize(end, 0);
}

/// ULEB128.
fn varint(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(values: &[u32], width: u8) -> Vec<u8> {
        let mut out = Vec::new();
        encode(values, width, &mut out);
        out
    }

    #[test]
    fn widths() {
        let widths = [0, 1, 2, 3, 4, 5, 256, 257].map(width);
        assert_eq!(widths, [0, 0, 1, 2, 2, 3, 8, 9]);
    }

    #[test]
    fn the_example_of_the_specification() {
        assert_eq!(
            encoded(&[0, 1, 2, 3, 4, 5, 6, 7], 3),
            [0b11, 0b1000_1000, 0b1100_0110, 0b1111_1010]
        );
    }

    #[test]
    fn what_repeats_is_one_run() {
        assert_eq!(encoded(&[5; 200], 3), [0x90, 0x03, 5]);
        assert_eq!(encoded(&[0; 3], 0), [6]);
        assert_eq!(encoded(&[300; 2], 9), [4, 0x2c, 1]);
    }

    #[test]
    fn a_last_group_is_filled_up() {
        assert_eq!(encoded(&[1, 2], 8), [0b11, 1, 2, 0, 0, 0, 0, 0, 0]);
        assert_eq!(encoded(&[1, 0xffff_ffff], 32).len(), 1 + 32);
    }
}
