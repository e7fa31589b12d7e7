//! The original log, byte for byte.

use std::io::Write;

use twofold_data::format::Format;

use crate::BatchError;
use crate::archive::{Archive, File, Records, Text, damaged, record};

/// Writes every record of the archive, partition by partition, in the order of offsets, each with its
/// `\n` where it had one. `progress` hears how many records are written.
///
/// # Errors
/// Of the store and of `out`; [`BatchError::Damaged`] where the chain is broken.
pub fn export(
    archive: &Archive,
    out: &mut impl Write,
    mut progress: impl FnMut(u64),
) -> Result<(), BatchError> {
    let mut records = 0;
    for (origin, _) in archive.partitions()? {
        let mut next = origin.first_offset;
        for file in archive.listed(&origin.partition, 0)? {
            if file.meta.first_offset != next {
                let gap =
                    format!("the chain has a gap or an overlap before it: {next} is expected");
                return Err(damaged(&file.path, gap));
            }
            next = file.meta.next_offset;
            write(archive, &file, out)?;
            records += file.meta.records;
            progress(records);
        }
    }
    out.flush().map_err(BatchError::Output)
}

fn write(archive: &Archive, file: &File, out: &mut impl Write) -> Result<(), BatchError> {
    let format = Format::named(&file.meta.format).ok_or_else(|| {
        damaged(&file.path, format!("it is in the unknown format `{}`", file.meta.format))
    })?;
    let mut bytes = Vec::new();
    let mut left = file.meta.records;
    for batch in archive.read(&file.path, &record::COLUMNS, Text::Plain, |_| true)? {
        let batch = batch?;
        let mut records = Records::of(&file.path, &batch)?;
        bytes.clear();
        for row in 0..batch.num_rows() {
            records.rebuild(row, &format, &mut bytes);
            left = left.saturating_sub(1);
            if left > 0 || !file.meta.unterminated {
                bytes.push(b'\n');
            }
        }
        out.write_all(&bytes).map_err(BatchError::Output)?;
    }
    Ok(())
}
