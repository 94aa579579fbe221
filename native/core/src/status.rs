/// What became of one record: an index into `STATUSES` of src/codec/engine/status.ts. The reasons are those of docs/format.md section 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    Ok = 0,
    Absent = 1,
    Truncated = 2,
    Malformed = 3,
    Format = 4,
    Dimensions = 5,
    Checksum = 6,
    Mode = 7,
    Payload = 8,
    /// Never given by this engine, which has every compressor.
    Unsupported = 9,
    /// Sound, but coarser than what was asked for.
    Precision = 10,
    // 11 is `limit`, which is of values, and of TypeScript.
    /// Sound, but made with a profile that the reader was not given.
    Profile = 12,
}
