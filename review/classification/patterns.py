"""Patterns of values, as conditions of the engine over one text `v`: how many of a column's values keep each of them.

A pattern says what it found as a count, never by a value. Sources: GA 36 and GA/T 1287 (plates), GB/T 2260 (divisions),
ICD-10 (diagnoses), and those of the check digits.
"""

from dataclasses import dataclass

from review.classification import check_digits
from review.classification.check_digits import DATE_DIGITS
from review.classification.names_of_persons import DOUBLE_SURNAMES, GIVEN_NAMES, SURNAMES


@dataclass(frozen=True)
class Pattern:
    """A pattern of values.

    concept: what a column is said to hold where enough of its values keep it; condition: SQL over `v`; words: what is
    said of the values that do; share_min: the share of values from which on it speaks; is_telling: whether other kinds
    of values hardly keep it, so that it outweighs the column's name.
    """

    concept: str
    condition: str
    words: str
    share_min: float
    is_telling: bool = False


def _any_of(*expressions: str) -> str:
    return " or ".join(f"regexp_full_match(v, '{expression}')" for expression in expressions)


PROVINCES = "(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12])"
IDENTITY_15 = PROVINCES + "[0-9]{4}[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}"
MOBILE = r"(\+?86[ -]?)?1[3-9][0-9]{9}"
LANDLINE = r"(\+?86[ -]?)?[(]?0[0-9]{2,3}[)]?[ -]?[2-9][0-9]{6,7}([-x转][0-9]{1,5})?"
PHONE_ABROAD = "[+][1-9][0-9 -]{6,16}"
PHONE_NORTH_AMERICA = "([+]?1[-. ]?)?[(]?[2-9][0-9]{2}[)]?[-. ]?[2-9][0-9]{2}[-. ]?[0-9]{4}"
EMAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
PLATE = (
    "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领][A-HJ-Z][ ·.-]?"
    "([A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳]|[A-HJK][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[A-HJK])"
)
PASSPORT = "[EGDSP][0-9]{8}|E[A-HJ-NP-Z][0-9]{7}|P[ES][0-9]{7}|[HM][0-9]{8}([0-9]{2})?"
OCTET = "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
IPV4 = f"({OCTET}[.]){{3}}{OCTET}"
IPV6 = "([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}"
IPV6_SHORTENED = "([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4}){0,6})?::([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4}){0,6})?"
MAC = "([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}"
CHINESE_ADDRESS = (
    r".*\p{Han}.*(路|街|道|巷|弄|里|村|镇|乡|区|县).*[0-9一二三四五六七八九十]+"
    ".*(号|弄|栋|幢|座|楼|单元|室|组).*"
)
ENGLISH_ADDRESS = (
    r"(?i)[0-9]+[a-z]? ([a-z0-9.]+ )+(street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|way|highway|hwy|"
    r"court|ct|place|pl|square|parkway|pkwy)\b.*"
)
FIRM = (
    r"(?i).*(公司|集团|企业|厂|商行|合作社|事务所|\bl\.l\.c\.?|"
    r"\b(company|inc|incorporated|corp|corporation|ltd|limited|llc|llp|plc|gmbh|co)\.?)"
)
CHINESE_NAME = f"({DOUBLE_SURNAMES}|[{SURNAMES}])" + r"\p{Han}{1,2}"
DOTTED_NAME = r"\p{Han}{1,8}[·•]\p{Han}{1,12}"
FIRST_THEN_LAST = rf"(?i)({GIVEN_NAMES})( [a-z][.]?)?( [a-z]+([-\x27][a-z]+)?){{1,2}}"
LAST_COMMA_FIRST = rf"(?i)[a-z\x27-]+, ?({GIVEN_NAMES})\b.*"
DIVISION = PROVINCES + "[0-9]{4}([0-9]{6})?"
ICD = "[A-Z][0-9]{2}([.][0-9A-Za-z]{1,8})?"
DATE_WRITTEN = "(18|19|20)[0-9]{2}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?([ T].*)?"
CLOCK = "[0-9]{1,2}:[0-5][0-9](:[0-5][0-9])?"
SEXES = "lower(v) in ('m', 'f', 'male', 'female', 'man', 'woman', '男', '女', '男性', '女性')"
PROSE = (
    r"(length(v) >= 30 and length(v) - length(replace(v, ' ', '')) >= 5) "
    r"or length(regexp_replace(v, '[^\p{Han}]', '', 'g')) >= 20"
)
COORDINATE = r"regexp_full_match(v, '-?[0-9]{1,3}[.][0-9]{4,}') and abs(try_cast(v as double)) between 1 and "

PATTERNS: tuple[Pattern, ...] = (
    Pattern("identity_number", check_digits.identity_number(), "have the check digit of an identity number", 0.5, True),
    Pattern("identity_number", _any_of(IDENTITY_15), "have the form of an identity number of 15 digits", 0.9),
    Pattern("credit_code", check_digits.credit_code(), "have the check character of a social credit code", 0.5, True),
    Pattern("bank_card", check_digits.bank_card(), "have the check digit of a bank card", 0.7, True),
    Pattern("phone", _any_of(MOBILE), "have the form of a mobile number", 0.8),
    Pattern("phone", _any_of(LANDLINE), "have the form of a landline number", 0.8),
    Pattern("phone", _any_of(PHONE_ABROAD, PHONE_NORTH_AMERICA), "have the form of a phone number abroad", 0.95),
    Pattern("email", _any_of(EMAIL), "are e-mail addresses", 0.8, True),
    Pattern("plate", _any_of(PLATE), "have the form of a vehicle plate", 0.7, True),
    Pattern("passport", _any_of(PASSPORT), "have the form of a passport or travel permit", 0.95),
    Pattern("device", _any_of(IPV4, IPV6, IPV6_SHORTENED), "are IP addresses", 0.9, True),
    Pattern("device", _any_of(MAC), "are hardware addresses (MAC)", 0.9, True),
    Pattern("address", _any_of(CHINESE_ADDRESS, ENGLISH_ADDRESS), "have the parts of an address", 0.5, True),
    Pattern("company_name", _any_of(FIRM), "end with the legal form of a firm", 0.3),
    Pattern("person_name", _any_of(CHINESE_NAME, DOTTED_NAME), "begin with a surname and are as long as a name", 0.7),
    Pattern("person_name", _any_of(FIRST_THEN_LAST, LAST_COMMA_FIRST), "hold a common given name", 0.4),
    Pattern("place", _any_of(DIVISION), "have the form of a division code", 0.95),
    Pattern("sex", SEXES, "are words for a sex", 0.95),
    Pattern("health", _any_of(ICD), "have the form of a diagnosis code (ICD-10)", 0.95),
    Pattern("moment", _any_of(DATE_DIGITS, DATE_WRITTEN), "are dates", 0.9),
    Pattern("moment", _any_of(CLOCK), "are times of the day", 0.9),
    Pattern("free_text", PROSE, "are longer texts", 0.5),
)
"""Where two speak of one column, the telling ones come first, then the stricter role."""
