//! The original log, byte for byte.

use std::io::Write;

use twofold_data::archive::Retired;
use twofold_data::format::Format;

use crate::BatchError;
use crate::archive::{Archive, File, Records, Text, damaged, record};

/// Writes every record of the archive, partition by partition, in the order of offsets, each with its
/// `\n` where it had one. `progress` hears how many records are written. Returns what is not
/// in it because retention removed it.
///
/// # Errors
/// Of the store and of `out`; [`BatchError::Damaged`] where the chain is broken.
pub fn export(
    archive: &Archive,
    out: &mut impl Write,
    mut progress: impl FnMut(u64),
) -> Result<Vec<Retired>, BatchError> {
    let mut records = 0;
    let retired = archive.retired()?;
    for origin in archive.origins()? {
        let runs = retired.get(&origin.partition);
        let last = runs.and_then(|runs| runs.last());
        let mut next = last.map_or(origin.first_offset, |run| run.next_offset);
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
    out.flush().map_err(BatchError::Output)?;
    Ok(retired.into_values().flatten().collect())
}

fn write(archive: &Archive, file: &File, out: &mut impl Write) -> Result<(), BatchError> {
    let format = Format::named(&file.meta.format).ok_or_else(|| {
        damaged(&file.path, format!("it is in the unknown format `{}`", file.meta.format))
    })?;
    let mut bytes = Vec::new();
    let mut left = file.meta.records;
    for batch in archive.read_as_put(&file.path, &record::COLUMNS, Text::Plain, |_| true)? {
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
