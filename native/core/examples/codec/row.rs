//! What is printed of one kind of record.

use crate::figures::Errors;
use crate::measure::Measured;

pub struct Row {
    pub name: String,
    /// How many records take which mode; nothing where there are no records.
    pub modes: String,
    pub ratio: f64,
    pub order_0: Option<f64>,
    pub measured: Measured,
}

impl Row {
    pub fn head() -> String {
        format!(
            "{:<37}{:<22}{:>9}{:>8}{:>9}{:>10}{:>10}{:>8}{:>8}{:>8}",
            "", "modes", "bytes", "ratio", "order-0", "max error", "1 - cos", "copy", "encode", "decode"
        )
    }

    pub fn line(&self) -> String {
        let Self { name, modes, ratio, order_0, measured } = self;
        let order_0 = order_0.map_or(String::new(), |bound| format!("{bound:.1}"));
        let Measured { errors: Errors { largest, cosine_distance, .. }, copy, encode, decode, .. } = measured;
        let bytes = measured.bytes();
        format!(
            "{name:<37}{modes:<22}{bytes:>9.1}{ratio:>8.3}{order_0:>9}{largest:>10.1e}{cosine_distance:>10.1e}{copy:>8.1}{encode:>8.2}{decode:>8.2}"
        )
    }

    /// Names and modes have nothing that JSON escapes.
    pub fn json(&self) -> String {
        let Self { name, modes, ratio, order_0, measured } = self;
        let order_0 = order_0.map_or("null".to_owned(), |bound| format!("{bound:.1}"));
        let Measured { errors: Errors { largest, cosine_distance, .. }, copy, encode, decode, .. } = measured;
        let bytes = measured.bytes();
        format!(
            r#"{{"name":"{name}","modes":"{modes}","bytes":{bytes:.1},"ratio":{ratio:.4},"order0Bytes":{order_0},"maxError":{largest:e},"cosineDistance":{cosine_distance:e},"copyGBps":{copy:.2},"encodeGBps":{encode:.3},"decodeGBps":{decode:.3}}}"#
        )
    }
}
