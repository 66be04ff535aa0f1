//! The value of a calculation: an exact fraction of two decimals with a bounded number of digits.

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, One, Signed, ToPrimitive, Zero};

use super::{CalcError, MAX_DIGITS};

/// A numerator over a denominator that is always above zero, and one as long as nothing was divided.
#[derive(Debug, Clone)]
pub(super) struct Fraction {
    numerator: BigDecimal,
    denominator: BigDecimal,
}

impl Fraction {
    pub(super) fn from_decimal(value: &BigDecimal) -> Result<Self, CalcError> {
        Self::bounded(value.clone(), BigDecimal::one())
    }

    pub(super) fn is_zero(&self) -> bool {
        self.numerator.is_zero()
    }

    /// Whether the value is a decimal with nothing left to divide.
    pub(super) fn is_plain_decimal(&self) -> bool {
        self.denominator.is_one()
    }

    /// The numerator: the whole value of a plain decimal.
    pub(super) fn into_decimal(self) -> BigDecimal {
        self.numerator
    }

    pub(super) fn negate(&self) -> Self {
        Self {
            numerator: -&self.numerator,
            denominator: self.denominator.clone(),
        }
    }

    pub(super) fn add(&self, other: &Self) -> Result<Self, CalcError> {
        if self.denominator == other.denominator {
            return Self::bounded(&self.numerator + &other.numerator, self.denominator.clone());
        }
        Self::bounded(
            &self.numerator * &other.denominator + &other.numerator * &self.denominator,
            &self.denominator * &other.denominator,
        )
    }

    pub(super) fn multiply(&self, other: &Self) -> Result<Self, CalcError> {
        Self::bounded(
            &self.numerator * &other.numerator,
            &self.denominator * &other.denominator,
        )
    }

    pub(super) fn divide(&self, other: &Self) -> Result<Self, CalcError> {
        let inverse = other.invert().ok_or(CalcError::DivisionByZero)?;
        self.multiply(&inverse)
    }

    /// The remainder of the division truncated towards zero.
    pub(super) fn remainder(&self, other: &Self) -> Result<Self, CalcError> {
        if other.is_zero() {
            return Err(CalcError::RemainderByZero);
        }
        let dividend = &self.numerator * &other.denominator;
        let divisor = &other.numerator * &self.denominator;
        Self::bounded(dividend % divisor, &self.denominator * &other.denominator)
    }

    pub(super) fn power(&self, exponent: &Self, max_abs: u32) -> Result<Self, CalcError> {
        if !(&exponent.numerator % &exponent.denominator).is_zero() {
            let exponent = exponent.round(10).normalized().to_plain_string();
            return Err(CalcError::FractionalExponent { exponent });
        }
        let (whole, _) = exponent.round(0).into_bigint_and_exponent();
        let too_large = CalcError::ExponentTooLarge { max: max_abs };
        let times = whole
            .abs()
            .to_u32()
            .filter(|times| *times <= max_abs)
            .ok_or(too_large)?;
        let base = if whole.is_negative() {
            self.invert().ok_or(CalcError::ZeroToNegativePower)?
        } else {
            self.clone()
        };
        Self::bounded(
            raise(&base.numerator, times)?,
            raise(&base.denominator, times)?,
        )
    }

    /// The nearest decimal with at most `scale` digits after the point, half to even.
    pub(super) fn round(&self, scale: u32) -> BigDecimal {
        let (mut dividend, dividend_scale) = self.numerator.clone().into_bigint_and_scale();
        let (mut divisor, divisor_scale) = self.denominator.clone().into_bigint_and_scale();
        let shift = i64::from(scale) - dividend_scale + divisor_scale;
        let factor = BigInt::from(10).pow(shift.unsigned_abs().to_u32().unwrap_or(u32::MAX));
        if shift >= 0 {
            dividend *= factor;
        } else {
            divisor *= factor;
        }
        let mut quotient = &dividend / &divisor;
        let remainder = &dividend - &quotient * &divisor;
        let twice = remainder.abs() * 2;
        let is_odd = quotient.bit(0);
        if twice > divisor || (twice == divisor && is_odd) {
            quotient += dividend.signum();
        }
        BigDecimal::new(quotient, i64::from(scale))
    }

    fn invert(&self) -> Option<Self> {
        if self.is_zero() {
            return None;
        }
        let sign = self.numerator.sign();
        let signed = BigDecimal::new(BigInt::from_biguint(sign, 1u8.into()), 0);
        Some(Self {
            numerator: &self.denominator * signed,
            denominator: self.numerator.abs(),
        })
    }

    fn bounded(numerator: BigDecimal, denominator: BigDecimal) -> Result<Self, CalcError> {
        let (numerator, denominator) = (numerator.normalized(), denominator.normalized());
        for part in [&numerator, &denominator] {
            let (integer, scale) = part.as_bigint_and_scale();
            if decimal_digits(integer.bits()) > MAX_DIGITS || scale.unsigned_abs() > MAX_DIGITS {
                return Err(CalcError::TooManyDigits { max: MAX_DIGITS });
            }
        }
        Ok(Self {
            numerator,
            denominator,
        })
    }
}

/// Refuses before it computes: the power of a bounded number can have millions of digits.
fn raise(base: &BigDecimal, times: u32) -> Result<BigDecimal, CalcError> {
    let (integer, scale) = base.clone().normalized().into_bigint_and_scale();
    let digits = decimal_digits(integer.bits().saturating_mul(u64::from(times)));
    let scale = scale.saturating_mul(i64::from(times));
    // Up to one bit a factor is lost to rounding, so a result near the limit is let through here
    // and measured exactly afterwards.
    let slack = u64::from(times) / 3;
    if digits > MAX_DIGITS + slack || scale.unsigned_abs() > MAX_DIGITS {
        return Err(CalcError::TooManyDigits { max: MAX_DIGITS });
    }
    Ok(BigDecimal::new(integer.pow(times), scale))
}

/// About how many decimal digits a number of so many bits has, by log10(2).
fn decimal_digits(bits: u64) -> u64 {
    bits.saturating_mul(30_103) / 100_000
}
