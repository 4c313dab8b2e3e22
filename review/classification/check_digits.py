"""Check digits as conditions of the engine over one text `v`: null where the text has not even the form.

Sources: GB 11643 (identity numbers; ISO 7064, MOD 11-2), GB 32100 (unified social credit codes), ISO/IEC 7812-1 (Luhn).
"""

DATE_DIGITS = "(18|19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])"
IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
IDENTITY_CHECK_DIGITS = "10X98765432"
CREDIT_CODE_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def identity_number() -> str:
    """The weighted sum of 17 digits, modulo 11, picks the last character; the date of birth is a day that was."""
    products = (f"{weight} * substr(v, {place}, 1)::integer" for place, weight in enumerate(IDENTITY_WEIGHTS, 1))
    last = f"substr('{IDENTITY_CHECK_DIGITS}', ({' + '.join(products)}) % 11 + 1, 1)"
    is_day = "try_strptime(substr(v, 7, 8), '%Y%m%d') is not null"
    form = f"regexp_full_match(v, '[1-9][0-9]{{5}}{DATE_DIGITS}[0-9]{{3}}[0-9Xx]')"
    return f"case when {form} then {is_day} and upper(right(v, 1)) = {last} end"


def credit_code() -> str:
    """The sum of 17 characters' numbers times powers of 3, modulo 31, and the last one's number make up 31."""
    products = (
        f"{3 ** (place - 1) % 31} * (strpos('{CREDIT_CODE_CHARACTERS}', substr(upper(v), {place}, 1)) - 1)"
        for place in range(1, 18)
    )
    last = f"(strpos('{CREDIT_CODE_CHARACTERS}', right(upper(v), 1)) - 1)"
    form = f"regexp_full_match(upper(v), '[{CREDIT_CODE_CHARACTERS}]{{2}}[0-9]{{6}}[{CREDIT_CODE_CHARACTERS}]{{10}}')"
    return f"case when {form} then (31 - ({' + '.join(products)}) % 31) % 31 = {last} end"


def bank_card() -> str:
    """Every second digit from the right counts twice, its own digits added; the sum ends in 0."""
    digits = "regexp_replace(v, '[ -]', '', 'g')"
    digit = f"substr(reverse({digits}), place, 1)::integer"
    worth = f"case when place % 2 = 1 then {digit} else 2 * {digit} - 9 * ({digit} > 4)::integer end"
    total = f"list_sum(list_transform(range(1, length({digits}) + 1), lambda place: {worth}))"
    return f"case when regexp_full_match({digits}, '[3-69][0-9]{{12,18}}') then {total} % 10 = 0 end"
