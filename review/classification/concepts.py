"""What a column may hold, and the names by which it is called in English, in pinyin and in Chinese.

Sensitive personal information is what article 28 of the Personal Information Protection Law lists: biometric features,
beliefs, specific identities, health, accounts, whereabouts; numbers of identity papers are added to it by GB/T 35273.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from vault.contract import Role

Sensitivity = Literal["sensitive personal", "personal", "enterprise", "none"]
Bearer = Literal["person", "enterprise", "anything"]
"""Whom a column of this kind makes the whole source speak of."""


@dataclass(frozen=True)
class Concept:
    """One kind of content.

    words: what it is; role, sensitivity: in a source that speaks of persons or, for an enterprise's, of enterprises;
    role_elsewhere: in any other source, None where it is the same; bearer: whom it makes the source speak of.
    """

    name: str
    words: str
    role: Role
    sensitivity: Sensitivity
    bearer: Bearer = "anything"
    role_elsewhere: Role | None = None


_CONCEPTS = (
    Concept("identity_number", "an identity number", "identifier", "sensitive personal", "person"),
    Concept("passport", "a passport number", "identifier", "sensitive personal", "person"),
    Concept("bank_card", "a bank card or account", "identifier", "sensitive personal", "person"),
    Concept("person_name", "a person's name", "identifier", "personal", "person"),
    Concept("phone", "a phone number", "identifier", "personal", "person"),
    Concept("email", "an e-mail address", "identifier", "personal", "person"),
    Concept("address", "an address", "identifier", "personal", "person"),
    Concept("plate", "a vehicle plate", "identifier", "personal", "person"),
    Concept("device", "a device or network address", "identifier", "personal", "person"),
    Concept("account", "an account or a file of a person", "identifier", "personal", "person"),
    Concept("credit_code", "a unified social credit code", "identifier", "enterprise", "enterprise"),
    Concept("company_name", "the name of a firm", "identifier", "enterprise", "enterprise"),
    Concept("birth", "a date of birth", "quasi_identifier", "personal", "person", "timestamp"),
    Concept("age", "an age", "quasi_identifier", "personal"),
    Concept("sex", "a sex", "quasi_identifier", "personal"),
    Concept("ethnicity", "an ethnic group", "quasi_identifier", "personal"),
    Concept("nationality", "a nationality or origin", "quasi_identifier", "personal"),
    Concept("education", "an education", "quasi_identifier", "personal"),
    Concept("occupation", "an occupation", "quasi_identifier", "personal"),
    Concept("marital", "a marital or family status", "quasi_identifier", "personal"),
    Concept("place", "a place", "quasi_identifier", "personal", role_elsewhere="attribute"),
    Concept("movement", "a place that someone came from or went to", "quasi_identifier", "personal"),
    Concept("latitude", "a latitude", "quasi_identifier", "sensitive personal", role_elsewhere="measure"),
    Concept("longitude", "a longitude", "quasi_identifier", "sensitive personal", role_elsewhere="measure"),
    Concept("health", "a matter of health", "sensitive", "sensitive personal"),
    Concept("finance", "income or wealth", "sensitive", "sensitive personal", role_elsewhere="measure"),
    Concept("biometric", "a biometric feature", "sensitive", "sensitive personal", "person"),
    Concept("belief", "a belief or membership", "sensitive", "sensitive personal"),
    Concept("offence", "an offence", "sensitive", "sensitive personal"),
    Concept("free_text", "free text", "free_text", "personal"),
    Concept("moment", "a time", "timestamp", "none"),
    Concept("amount", "an amount", "measure", "none"),
)
CONCEPTS: Mapping[str, Concept] = MappingProxyType({each.name: each for each in _CONCEPTS})

_LATIN: Mapping[str, str] = {
    "identity_number": "id number, id no, identity number, identity card, id card, idcard, resident id, citizen id, "
    "national id, ssn, social security number, sfz, sfzh, sfzhm, sfzjh, shenfenzheng, shenfenzhenghao, zjhm, gmsfhm",
    "passport": "passport, passport no, passport number, huzhao, hzhm",
    "bank_card": "bank card, card number, card no, card num, bank account, account number, account no, iban, yhk, "
    "yhkh, kahao, yinhangka, yinhangkahao, zhanghao, yhzh",
    "person_name": "full name, person name, first name, last name, given name, family name, surname, patient name, "
    "customer name, contact name, holder name, xm, xingming, hzxm, khxm, lxr, lianxiren",
    "phone": "phone, mobile, telephone, tel, cell, cellphone, phone number, mobile phone, fax, msisdn, sjhm, sjh, "
    "shouji, shoujihao, dhhm, lxdh, lxfs, dianhua, lianxidianhua",
    "email": "email, e mail, mail, dzyx, youxiang, dianziyouxiang",
    "address": "address, addr, street, home address, residence, dizhi, zhuzhi, jtzz, jtdz, hjdz, txdz, lxdz, xxdz",
    "plate": "plate, license plate, licence plate, plate number, plate no, car no, car number, vehicle number, cph, "
    "cphm, chepai, chepaihao, hphm",
    "device": "imei, imsi, mac, mac address, ip, ip address, ipv, device id, idfa, android id, oaid, openid",
    "account": "user id, user name, username, uid, login, member id, customer id, client id, patient id, person id, "
    "subject id, medical record, medical record number, mrn, yhid, yonghuid, bah, binganhao, mzh, zyh, jzkh",
    "credit_code": "credit code, uscc, unified social credit code, tyshxydm, shxydm, xydm, yyzzh",
    "company_name": "company, company name, enterprise name, firm, firm name, business name, trade name, base name, "
    "dba, qymc, dwmc, gsmc, qiyemingcheng, danweimingcheng, gongsimingcheng",
    "birth": "birth, birth date, date of birth, birthday, birth day, birth year, year of birth, dob, csrq, csny, "
    "chusheng, chushengriqi, shengri",
    "age": "age, age years, age band, age group, nl, nianling",
    "sex": "sex, gender, xb, xingbie",
    "ethnicity": "race, ethnicity, ethnic, ethnic group, mz, minzu",
    "nationality": "nationality, native country, country of birth, citizenship, native place, guoji, jiguan",
    "education": "education, education level, education num, degree, schooling, school, xl, xueli, whcd, wenhuachengdu",
    "occupation": "occupation, job, job title, profession, workclass, work class, employer, zy, zhiye, zhiwu, gzdw",
    "marital": "marital, marital status, relationship, hyzk, hunyin, hunyinzhuangkuang",
    "place": "district, district code, county, region code, city, province, zip, zip code, postcode, postal code, "
    "post code, neighbourhood, neighborhood, community, street code, xzqh, xzqhdm, qhdm, quxian, yb, yzbm, youbian, "
    "ssqx, shequ, jiedao, station, stop, zhandian, chezhan",
    "movement": "pickup location, dropoff location, pickup zone, dropoff zone, origin, destination, trip origin, "
    "trip destination, pickup place, dropoff place, qidian, zhongdian, chufadi, mudidi",
    "latitude": "lat, latitude, weidu",
    "longitude": "lon, lng, long, longitude, jingdu",
    "health": "diagnosis, disease, icd, icd code, symptom, treatment, medication, drug, prescription, allergy, "
    "blood type, disability, hiv, pregnancy, medical history, zd, zdbm, zdmc, jbmc, jbbm, zhenduan, jibing, guomin",
    "finance": "income, salary, wage, deposit, balance, credit score, debt, salary class, capital gain, capital loss, "
    "net worth, gongzi, shouru, cunkuan, zhengxin",
    "biometric": "fingerprint, face, iris, voiceprint, dna, gene, biometric, zhiwen, renlian, hongmo",
    "belief": "religion, faith, political, political status, party, union member, zzmm, zongjiao, xinyang",
    "offence": "criminal, criminal record, conviction, offence, offense, fanzui, weifa",
    "free_text": "remark, remarks, comment, comments, note, notes, memo, desc, description, narrative, free text, "
    "message, content, chief complaint, bz, beizhu, shuoming, miaoshu, zhusu, neirong",
    "moment": "date, time, datetime, timestamp, year, month, day, hour, minute, rq, riqi, shijian, nianfen, yuefen",
    "amount": "amount, price, cost, fee, fare, total, sum, quantity, qty, distance, weight, temperature, speed, value, "
    "money, je, jine, shuliang, jiage, feiyong",
}
_CHINESE: Mapping[str, str] = {
    "identity_number": "身份证 公民身份号码 身份号码 证件号",
    "passport": "护照",
    "bank_card": "银行卡 卡号 银行账 银行帐 账号 帐号",
    "person_name": "姓名 名字 联系人 户主 监护人",
    "phone": "手机 电话 联系方式 传真",
    "email": "邮箱 电子邮件",
    "address": "地址 住址 门牌",
    "plate": "车牌 号牌",
    "device": "设备号 设备标识 IP地址 MAC地址",
    "account": "用户编号 用户名 会员号 客户号 病历号 病案号 门诊号 住院号 就诊号",
    "credit_code": "社会信用代码 营业执照",
    "company_name": "企业名称 单位名称 公司名称 机构名称 商号 字号",
    "birth": "出生 生日",
    "age": "年龄",
    "sex": "性别",
    "ethnicity": "民族",
    "nationality": "国籍 籍贯",
    "education": "学历 文化程度 受教育程度 学位",
    "occupation": "职业 职务 工作单位 职称",
    "marital": "婚姻 家庭关系",
    "place": "行政区划 区划代码 区县 邮编 邮政编码 社区 街道 所在区 所在市 站点 车站",
    "movement": "起点 终点 出发地 目的地 上车地点 下车地点 行踪 轨迹",
    "latitude": "纬度",
    "longitude": "经度",
    "health": "诊断 疾病 病情 病史 症状 用药 处方 过敏 残疾 血型 体检",
    "finance": "工资 收入 余额 存款 征信 薪 负债",
    "biometric": "指纹 人脸 虹膜 声纹 基因",
    "belief": "宗教 信仰 政治面貌 党派",
    "offence": "犯罪 违法 前科",
    "free_text": "备注 说明 描述 主诉 内容 意见",
    "moment": "日期 时间 年份 月份",
    "amount": "金额 数量 价格 费用 单价 合计 重量",
}
_TERMS = tuple(
    sorted(
        ((tuple(term.split()), concept) for concept, terms in _LATIN.items() for term in terms.split(", ")),
        key=lambda pair: (-len(pair[0]), pair),
    )
)
_CHINESE_TERMS = tuple(
    sorted(
        ((term, concept) for concept, terms in _CHINESE.items() for term in terms.split()),
        key=lambda pair: (-len(pair[0]), pair),
    )
)
LAST_OR_ALONE = frozenset({"moment", "amount", "free_text", "age", "latitude", "longitude"})
"""Concepts whose words tell only at the end of a name: `arrival_time`, but not `time_zone`; `long`, not `long_name`."""

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def concept_of_name(*names: str) -> Concept | None:
    """What the names of a column speak of; the longest term that stands in one of them decides, None without any."""
    for name in names:
        found = _of_chinese(name) or _of_latin(name)
        if found is not None:
            return found
    return None


def _of_chinese(name: str) -> Concept | None:
    return next((CONCEPTS[concept] for term, concept in _CHINESE_TERMS if term in name), None)


def _of_latin(name: str) -> Concept | None:
    """Terms are compared with whole words: `lat` is not in `platform`."""
    words = [part.lower() for part in _PARTS.findall(name)]
    while words and words[-1].isdigit():
        words.pop()  # address_1, address_2
    for term, concept in _TERMS:
        length = len(term)
        places = [place for place in range(len(words) - length + 1) if tuple(words[place : place + length]) == term]
        is_last = bool(places) and places[-1] + length == len(words)
        if places and (is_last or concept not in LAST_OR_ALONE):
            return CONCEPTS[concept]
    return None
