//! One source for every width of SIMD: plain loops, compiled several times, the widest that this machine has chosen at run time.
//! Other architectures get what their baseline has (aarch64: NEON). What no compiler makes of a loop, such as a table that fits one register, stands as a
//! function `_wide` beside the loop.

#[cfg(target_arch = "wasm32")]
pub mod wasm;

/// Compiles a function for AVX2 as well, or with `@wide` in front for AVX-512 too, and calls the widest that the machine has.
///
/// `@wide` is for loops that do the same to every element. What goes one bit after another gets slower by it: the compiler makes
/// gathers and scatters of that.
macro_rules! multiversioned {
    (@wide $($function:tt)*) => {
        $crate::simd::multiversioned! {
            @for [
                Avx512 "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,fma,bmi1,bmi2,lzcnt",
                Avx2 "avx2,fma,bmi1,bmi2,lzcnt"
            ] $($function)*
        }
    };
    (@for $levels:tt
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident$(<$(const $generic:ident: $kind:ty),*>)?($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
    ) => {
        $(#[$attribute])*
        $visibility fn $name$(<$(const $generic: $kind),*>)?($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn portable$(<$(const $generic: $kind),*>)?($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            $crate::simd::multiversioned! {
                @choose $levels ($($(const $generic: $kind),*)?) ($($($generic),*)?) ($($argument: $type),*) ($($argument),*) ($(-> $result)?)
            }
            portable$(::<$($generic),*>)?($($argument),*)
        }
    };
    (@choose [$($level:ident $features:literal),*] $generics:tt $generic:tt $parameters:tt $arguments:tt $result:tt) => {
        let level = $crate::simd::level();
        $($crate::simd::multiversioned! { @compile level $level $features $generics $generic $parameters $arguments $result })*
    };
    (@compile $found:ident $level:ident $features:literal ($($generics:tt)*) ($($generic:tt)*) ($($parameters:tt)*) ($($arguments:tt)*) ($($result:tt)*)) => {
        if $found >= $crate::simd::Level::$level {
            #[target_feature(enable = $features)]
            fn compiled<$($generics)*>($($parameters)*) $($result)* {
                portable::<$($generic)*>($($arguments)*)
            }
            // SAFETY: this machine has every feature that the function is compiled for.
            return unsafe { compiled::<$($generic)*>($($arguments)*) };
        }
    };
    ($($function:tt)*) => {
        $crate::simd::multiversioned! { @for [Avx2 "avx2,fma,bmi1,bmi2,lzcnt"] $($function)* }
    };
}
pub(crate) use multiversioned;

/// What `multiversioned!` chooses between, narrowest first.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Baseline,
    Avx2,
    Avx512,
}

/// The widest level of this machine, found out once. `VECSTASH_SIMD` (`baseline` or `avx2`) lowers it, for tests and measurements.
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn level() -> Level {
    use std::sync::LazyLock;
    static LEVEL: LazyLock<Level> = LazyLock::new(|| {
        let has_avx2 = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt");
        let has_avx512 = has_avx2
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512cd")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vbmi2");
        let widest = match (has_avx512, has_avx2) {
            (true, _) => Level::Avx512,
            (_, true) => Level::Avx2,
            _ => Level::Baseline,
        };
        match std::env::var("VECSTASH_SIMD").as_deref() {
            Ok("baseline") => Level::Baseline,
            Ok("avx2") => widest.min(Level::Avx2),
            _ => widest,
        }
    });
    *LEVEL
}

/// Whether bits are deposited and extracted by one fast instruction each. Zen 1 and 2 have slow ones, and no VAES.
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn has_fast_deposit() -> bool {
    use std::sync::LazyLock;
    static HAS: LazyLock<bool> =
        LazyLock::new(|| level() == Level::Avx512 || level() == Level::Avx2 && is_x86_feature_detected!("vaes"));
    *HAS
}

/// Whether multiplying and adding with one rounding is an instruction that `multiversioned!` makes use of.
#[inline]
pub fn has_fused_multiply() -> bool {
    #[cfg(target_arch = "x86_64")]
    return level() > Level::Baseline;
    #[cfg(not(target_arch = "x86_64"))]
    cfg!(target_arch = "aarch64")
}
