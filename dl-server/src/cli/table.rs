//! Rows of text in columns.

use super::failure::Result;
use super::output::Output;

/// Writes rows with their columns aligned, two spaces apart.
pub(crate) fn write<const N: usize>(output: &mut Output, rows: &[[String; N]]) -> Result<()> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let line: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        output.bytes(line.join("  ").trim_end().as_bytes())?;
        output.bytes(b"\n")?;
    }
    Ok(())
}
