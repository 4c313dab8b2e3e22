"""Each pattern keeps what it stands for, and not what only looks like it."""

from functools import cache

import duckdb
import pytest

from review.classification.patterns import PATTERNS

OF_A_KIND = [
    ("13800138000", "phone"),
    ("+86 13912345678", "phone"),
    ("0755-26001234", "phone"),
    ("(010)62781234", "phone"),
    ("02126001234-801", "phone"),
    ("+44 20 7946 0958", "phone"),
    ("(212) 555-0142", "phone"),
    ("wei.li+post@mail.example.com.cn", "email"),
    ("粤B12345", "plate"),
    ("粤B·D12345", "plate"),
    ("沪A12345D", "plate"),
    ("粤ZF023港", "plate"),
    ("京AF0236", "plate"),
    ("E12345678", "passport"),
    ("EA1234567", "passport"),
    ("H12345678", "passport"),
    ("192.168.0.1", "device"),
    ("2001:db8:0:0:0:0:2:1", "device"),
    ("fe80::1ff:fe23:4567:890a", "device"),
    ("::1", "device"),
    ("00:1A:2B:3C:4D:5E", "device"),
    ("00-1a-2b-3c-4d-5e", "device"),
    ("广东省深圳市南山区听涛路12号3栋501室", "address"),
    ("福田区云杉路108号2栋1101室", "address"),
    ("1720 University Blvd", "address"),
    ("12 north main st apt 4", "address"),
    ("深圳市某某科技有限公司", "company_name"),
    ("AMBERLINE CAR SERVICE L.L.C.", "company_name"),
    ("Harborlight Transit Corp.", "company_name"),
    ("王伟", "person_name"),
    ("欧阳静怡", "person_name"),
    ("阿卜杜拉·买买提", "person_name"),
    ("Mary J. Watson", "person_name"),
    ("O'BRIEN, PATRICK", "person_name"),
    ("440305", "place"),
    ("440305007001", "place"),
    ("女", "sex"),
    ("Male", "sex"),
    ("J45.9", "health"),
    ("I10", "health"),
    ("2018-06-30 10:15:00", "moment"),
    ("2018年6月30日", "moment"),
    ("20180630", "moment"),
    ("25:10:00", "moment"),
    ("Patient says that it began two weeks ago after dinner", "free_text"),
    ("患者两周前无明显诱因出现咳嗽咳痰伴发热三天来诊", "free_text"),
]
NOT_OF_IT = [
    ("12800138000", "phone"),
    ("1380013800", "phone"),
    ("10990123456", "phone"),
    ("20180630", "phone"),
    ("mail.example.com", "email"),
    ("粤B1234", "plate"),
    ("粤I12345", "plate"),
    ("B12345", "plate"),
    ("V20180600001", "passport"),
    ("256.1.1.1", "device"),
    ("1.2.3", "device"),
    ("10:15:00", "device"),
    ("00:1A:2B:3C:4D", "device"),
    ("103 St", "address"),
    ("8 Av - Fulton Street", "address"),
    ("布吉", "address"),
    ("Alphabet City", "person_name"),
    ("地铁五号线", "person_name"),
    ("St. George", "person_name"),
    ("地铁五号线", "company_name"),
    ("Coney Island", "company_name"),
    ("990305", "place"),
    ("44030", "place"),
    ("Y", "sex"),
    ("C001", "health"),
    ("J4", "health"),
    ("20181330", "moment"),
    ("12.5", "moment"),
    ("a short remark", "free_text"),
]


@cache
def concepts_by_value() -> dict[str, set[str]]:
    """For each value the concepts whose patterns it keeps; one question to the engine for all."""
    values = [value for value, _ in (*OF_A_KIND, *NOT_OF_IT)]
    conditions = ", ".join(f"coalesce({pattern.condition}, false)" for pattern in PATTERNS)
    found = duckdb.execute(f"select v, {conditions} from (select unnest(?) as v)", [values]).fetchall()
    return {
        value: {pattern.concept for pattern, keeps in zip(PATTERNS, kept, strict=True) if keeps}
        for value, *kept in found
    }


@pytest.mark.parametrize(("value", "concept"), OF_A_KIND)
def test_a_value_of_a_kind_keeps_its_pattern(value: str, concept: str) -> None:
    assert concept in concepts_by_value()[value]


@pytest.mark.parametrize(("value", "concept"), NOT_OF_IT)
def test_what_only_looks_like_it_does_not(value: str, concept: str) -> None:
    assert concept not in concepts_by_value()[value]
