//! One column chunk of texts: a dictionary page and pages of codes, or plain pages where a
//! dictionary would only make it larger.

use std::borrow::Cow;
use std::io::Write;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, PageType, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::bounds::{Bounds, bounds, joined, lower, upper};
use super::text::{NULL, Texts};
use super::{PAGE_ROWS, ZSTD_LEVEL, bits};

/// The chunk's bytes, and what the row group has to know of them.
pub fn encode(texts: &Texts, column: ColumnDescPtr) -> Result<(Bytes, ColumnCloseResult)> {
    let mut chunk = Chunk {
        texts,
        nullable: column.max_def_level() > 0,
        dictionary: is_smaller(texts),
        sink: TrackedWrite::new(Vec::new()),
        compressor: Compressor::new(ZSTD_LEVEL)?,
        index: ColumnIndexBuilder::new(column.physical_type()),
        offsets: OffsetIndexBuilder::new(),
        bounds: None,
        uncompressed: 0,
    };
    if chunk.dictionary {
        chunk.dictionary_page()?;
    }
    let (start, mut seen) = (chunk.sink.bytes_written() as i64, vec![NULL; texts.distinct()]);
    for (number, rows) in texts.codes().chunks(PAGE_ROWS).enumerate() {
        let page = bounds(texts, rows, number as u32, &mut seen);
        chunk.bounds = joined(texts, chunk.bounds, page);
        chunk.data_page(rows, &page)?;
    }
    chunk.finish(column, start)
}

/// Whether a dictionary and codes take less room than every row's value by itself.
fn is_smaller(texts: &Texts) -> bool {
    let width = usize::from(bits::width(texts.distinct()));
    let values = texts.codes().len() - texts.nulls();
    let coded = texts.distinct_bytes() + 4 * texts.distinct() + values * width / 8;
    (coded as u64) <= texts.total_bytes() + 4 * values as u64
}

struct Chunk<'t> {
    texts: &'t Texts,
    nullable: bool,
    dictionary: bool,
    sink: TrackedWrite<Vec<u8>>,
    compressor: Compressor<'static>,
    index: ColumnIndexBuilder,
    offsets: OffsetIndexBuilder,
    /// Those of the pages so far.
    bounds: Bounds,
    uncompressed: i64,
}

/// Where a page lies.
struct Written {
    offset: i64,
    bytes: i32,
}

impl Chunk<'_> {
    fn dictionary_page(&mut self) -> Result<()> {
        let mut plain = Vec::with_capacity(self.texts.distinct_bytes() + 4 * self.texts.distinct());
        for code in 0..self.texts.distinct() as u32 {
            push_plain(self.texts.value(code), &mut plain);
        }
        let num_values = self.texts.distinct() as u32;
        self.write(&plain, |buf| Page::DictionaryPage {
            buf,
            num_values,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        })?;
        Ok(())
    }

    fn data_page(&mut self, rows: &[u32], bounds: &Bounds) -> Result<()> {
        let mut body = Vec::new();
        if self.nullable {
            levels(rows, &mut body);
        }
        let values = present(rows);
        let encoding = self.values(&values, &mut body);
        let written = self.write(&body, |buf| Page::DataPage {
            buf,
            num_values: rows.len() as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        })?;
        self.offsets.append_row_count(rows.len() as i64);
        self.offsets.append_offset_and_size(written.offset, written.bytes);
        let nulls = (rows.len() - values.len()) as i64;
        let (least, most) = (lower(self.texts, bounds), upper(self.texts, bounds));
        let none = values.is_empty();
        self.index.append(none, least.unwrap_or_default(), most.unwrap_or_default(), nulls, None);
        Ok(())
    }

    fn values(&self, values: &[u32], out: &mut Vec<u8>) -> Encoding {
        if self.dictionary {
            let width = bits::width(self.texts.distinct());
            out.push(width);
            bits::encode(values, width, out);
            return Encoding::RLE_DICTIONARY;
        }
        values.iter().for_each(|code| push_plain(self.texts.value(*code), out));
        Encoding::PLAIN
    }

    fn write(&mut self, body: &[u8], page: impl FnOnce(Bytes) -> Page) -> Result<Written> {
        let compressed = self.compressor.compress(body)?;
        let page = CompressedPage::new(page(compressed.into()), body.len());
        let written = SerializedPageWriter::new(&mut self.sink).write_page(page)?;
        self.uncompressed += written.uncompressed_size as i64;
        Ok(Written { offset: written.offset as i64, bytes: written.compressed_size as i32 })
    }

    fn finish(mut self, column: ColumnDescPtr, start: i64) -> Result<(Bytes, ColumnCloseResult)> {
        self.sink.flush()?;
        let rows = self.texts.codes().len();
        let (pages, encodings) = self.encodings(rows);
        let metadata = ColumnChunkMetaData::builder(column)
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
            .set_encodings(encodings)
            .set_page_encoding_stats(pages)
            .set_total_compressed_size(self.sink.bytes_written() as i64)
            .set_total_uncompressed_size(self.uncompressed)
            .set_num_values(rows as i64)
            .set_data_page_offset(start)
            .set_dictionary_page_offset(self.dictionary.then_some(0))
            .set_unencoded_byte_array_data_bytes(Some(self.texts.total_bytes() as i64))
            .set_statistics(self.statistics())
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: self.sink.bytes_written() as u64,
            rows_written: rows as u64,
            metadata,
            bloom_filter: None,
            column_index: Some(self.index.build()?),
            offset_index: Some(self.offsets.build()),
        };
        Ok((self.sink.into_inner()?.into(), close))
    }

    fn encodings(&self, rows: usize) -> (Vec<PageEncodingStats>, Vec<Encoding>) {
        let page = |page_type, encoding, count| PageEncodingStats { page_type, encoding, count };
        let pages = rows.div_ceil(PAGE_ROWS) as i32;
        if self.dictionary {
            let stats = vec![
                page(PageType::DICTIONARY_PAGE, Encoding::PLAIN, 1),
                page(PageType::DATA_PAGE, Encoding::RLE_DICTIONARY, pages),
            ];
            return (stats, vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY]);
        }
        let stats = vec![page(PageType::DATA_PAGE, Encoding::PLAIN, pages)];
        (stats, vec![Encoding::PLAIN, Encoding::RLE])
    }

    fn statistics(&self) -> Statistics {
        let nulls = Some(self.texts.nulls() as u64);
        let (least, most) = (lower(self.texts, &self.bounds), upper(self.texts, &self.bounds));
        Statistics::byte_array(least.map(Into::into), most.map(Into::into), None, nulls, false)
    }
}

/// The codes of the rows that have a value.
fn present(rows: &[u32]) -> Cow<'_, [u32]> {
    // No branch, so that several are looked at at once.
    let nulls: usize = rows.iter().map(|code| usize::from(*code == NULL)).sum();
    match nulls {
        0 => Cow::Borrowed(rows),
        all if all == rows.len() => Cow::Borrowed(&[]),
        _ => rows.iter().copied().filter(|code| *code != NULL).collect(),
    }
}

/// Which rows have a value, as definition levels of version 1 pages: their length, then the levels.
fn levels(rows: &[u32], out: &mut Vec<u8>) {
    let present: Vec<u32> = rows.iter().map(|code| u32::from(*code != NULL)).collect();
    let mut encoded = Vec::new();
    bits::encode(&present, 1, &mut encoded);
    out.extend_from_slice(&(encoded.len() as u32).to_le_bytes());
    out.extend_from_slice(&encoded);
}

/// Plain encoding of byte arrays: the length, then the bytes.
fn push_plain(value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    out.extend_from_slice(value);
}
