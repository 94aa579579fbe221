mod common;
use common::kinds::*;
use common::*;
use vecstash_core::*;
#[test]
fn slow_words() {
    for p in 2..=23u32 {
        let mut form = Form { precision: Precision::Exact, compression: Compression::Auto, memory: [2 | p << 8, 0] };
        let mut out = vec![];
        let v = gaussian(768, 1);
        let t = std::time::Instant::now();
        VectorEncoder::default().encode(KEY, &v, &mut form, &mut out).unwrap();
        println!("{p}: {:?} mode {:x}", t.elapsed(), out[2]);
    }
}
#[test]
fn sizes() {
    for kind in [
        Kind::Byte,
        Kind::Float16,
        Kind::BrainFloat,
        Kind::Decimals(3),
        Kind::Decimals(4),
        Kind::Decimals(5),
        Kind::Decimals(6),
        Kind::Decimals(7),
        Kind::Decimals(8),
        Kind::Decimals(9),
        Kind::Decimals(10),
    ] {
        for scaling in [Scaling::None, Scaling::Single, Scaling::Double, Scaling::Twice] {
            for dims in [384, 768, 1536] {
                let (mut n, mut modes) = (0, std::collections::BTreeMap::new());
                for seed in 0..25 {
                    let r = encode(KEY, &structured(kind, scaling, dims, seed), Compression::Auto);
                    n += r.len();
                    *modes.entry(r[2]).or_insert(0) += 1;
                }
                println!("{kind:?} {scaling:?} {dims}: {:.3} {modes:x?}", (25 * 4 * dims) as f64 / n as f64);
            }
        }
    }
    for b in [1e-7_f32, 1e-5, 1.25e-4, 5e-4] {
        let n: usize =
            (0..25).map(|s| encode_as(KEY, &gaussian(768, s), Form::new(Precision::MaxError(b), Compression::Auto)).len()).sum();
        println!("{b:e} {:.3}", 25.0 * 4.0 * 768.0 / n as f64);
    }
}
