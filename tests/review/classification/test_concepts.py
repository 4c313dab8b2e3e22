"""Names are understood in English, in pinyin and in Chinese, word by word."""

import pytest

from review.classification.concepts import CONCEPTS, concept_of_name


@pytest.mark.parametrize(
    ("name", "concept"),
    [
        ("id_number", "identity_number"),
        ("ResidentIDCard", "identity_number"),
        ("sfzh", "identity_number"),
        ("公民身份号码", "identity_number"),
        ("患者身份证", "identity_number"),
        ("customerName", "person_name"),
        ("xm", "person_name"),
        ("姓名", "person_name"),
        ("contact_phone_2", "phone"),
        ("联系电话", "phone"),
        ("E-Mail", "email"),
        ("home_address_1", "address"),
        ("现住址", "address"),
        ("card_no", "bank_card"),
        ("银行卡号", "bank_card"),
        ("cph", "plate"),
        ("车牌号码", "plate"),
        ("tyshxydm", "credit_code"),
        ("统一社会信用代码", "credit_code"),
        ("qymc", "company_name"),
        ("client_ipv4", "device"),
        ("csrq", "birth"),
        ("date_of_birth", "birth"),
        ("出生日期", "birth"),
        ("xb", "sex"),
        ("marital-status", "marital"),
        ("native-country", "nationality"),
        ("pickup_location_id", "movement"),
        ("stop_lat", "latitude"),
        ("经度", "longitude"),
        ("diagnosis_code", "health"),
        ("zdmc", "health"),
        ("salary-class", "finance"),
        ("政治面貌", "belief"),
        ("备注", "free_text"),
        ("arrival_time", "moment"),
    ],
)
def test_a_name_speaks_of_its_concept(name: str, concept: str) -> None:
    found = concept_of_name(name)
    assert found is not None and found.name == concept


@pytest.mark.parametrize(
    "name",
    ["platform", "time_zone", "long_name", "shipment", "package", "monday", "storage_class", "racetrack", "rowid",
     "zone_name", "visit_kind", "c1", "No", ""],
)  # fmt: skip
def test_a_word_inside_another_says_nothing(name: str) -> None:
    assert concept_of_name(name) is None


def test_the_header_of_the_provider_is_understood_too() -> None:
    found = concept_of_name("code_17", "身份证号")
    assert found is CONCEPTS["identity_number"]
