{# Code lists of the providers, by list name: code as received -> our word. A code that is not listed becomes null. #}
{% macro code_lists() %}
    {{ return({
        'vendor': {'1': 'creative_mobile', '2': 'verifone'},
        'rate': {
            '1': 'standard', '2': 'jfk', '3': 'newark', '4': 'nassau_westchester', '5': 'negotiated', '6': 'group',
        },
        'payment': {
            '1': 'card', '2': 'cash', '3': 'no_charge', '4': 'dispute', '5': 'unknown', '6': 'voided',
        },
        'yes_no': {'Y': 'yes', 'N': 'no'},
        'sex': {'M': 'male', 'F': 'female'},
        'education': {
            '1': 'none', '2': 'primary', '3': 'lower_secondary', '4': 'upper_secondary',
            '5': 'college', '6': 'bachelor', '7': 'postgraduate',
        },
        'occupation': {
            '1': 'public_service', '2': 'professional', '3': 'clerical', '4': 'commerce',
            '5': 'agriculture', '6': 'industry', '7': 'student', '8': 'other',
        },
        'visit_kind': {'outpatient': 'outpatient', 'emergency': 'emergency', 'inpatient': 'inpatient'},
        'district': {
            '440303': 'Luohu', '440304': 'Futian', '440305': 'Nanshan', '440306': 'Baoan', '440307': 'Longgang',
            '440308': 'Yantian', '440309': 'Longhua', '440310': 'Pingshan', '440311': 'Guangming',
        },
        'diagnosis_chapter': {
            'A': 'infectious', 'B': 'infectious', 'C': 'neoplasms', 'D': 'neoplasms_blood', 'E': 'metabolic',
            'F': 'mental', 'G': 'nervous', 'H': 'eye_ear', 'I': 'circulatory', 'J': 'respiratory', 'K': 'digestive',
            'L': 'skin', 'M': 'musculoskeletal', 'N': 'genitourinary', 'O': 'pregnancy', 'P': 'perinatal',
            'Q': 'congenital', 'R': 'symptoms', 'S': 'injury', 'T': 'injury', 'V': 'external', 'W': 'external',
            'X': 'external', 'Y': 'external', 'Z': 'contact_with_services',
        },
    }) }}
{% endmacro %}

{# Numeric codes may arrive as 1 or as 1.0. #}
{% macro from_code_list(column, list) -%}
    case trim({{ column }})
        {%- for code, word in code_lists()[list].items() %}
        when '{{ code }}' then '{{ word }}'
        {%- if code.isdigit() %} when '{{ code }}.0' then '{{ word }}'{% endif %}
        {%- endfor %}
    end
{%- endmacro %}
