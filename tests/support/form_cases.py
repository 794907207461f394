"""A form with every control, and what people may write into it: the browser and the server judge alike."""

from webapp.upstream.parameters import Field

FILE = {'file_id': 'a' * 32}
OTHER = {'file_id': 'b' * 32}
FORM = (
    Field('name', 'Your name', 'text-input', is_required=True, max_length=5),
    Field('note', 'Note', 'paragraph', max_length=10),
    Field('tone', 'Tone', 'select', is_required=True, options=('formal', 'casual'), default='casual'),
    Field('style', 'Style', 'select', options=('short', 'long')),
    Field('age', 'Age', 'number'),
    Field('amount', 'Amount', 'number', is_required=True, default=1),
    Field('agreed', 'Agreed', 'checkbox', is_required=True),
    Field('more', 'More', 'json_object'),
    Field('photo', 'Photo', 'file', is_required=True, file_types=('image',)),
    Field('papers', 'Papers', 'file-list', file_types=('document',), max_length=1),
)
# variable, value as the browser has it, name of the problem or ''
CASES: list[tuple[str, object, str]] = [
    ('name', 'Ada', ''),
    ('name', '🙂🙂🙂🙂🙂', ''),  # characters, not halves of them
    ('name', 'Magdalena', 'too_long'),
    ('name', '', 'required'),
    ('name', ' \n ', 'required'),
    ('note', '', ''),
    ('note', 'x' * 11, 'too_long'),
    ('tone', 'formal', ''),
    ('tone', '', 'required'),
    ('tone', 'rude', 'no_option'),
    ('style', '', ''),
    ('age', '', ''),
    ('age', ' 36 ', ''),
    ('age', '-2.5', ''),
    ('age', '.5', ''),
    ('age', '1e3', ''),
    ('age', '1,5', 'no_number'),
    ('age', '0x10', 'no_number'),
    ('age', 'NaN', 'no_number'),
    ('age', '٣', 'no_number'),
    ('age', '1e999', 'number_size'),
    ('age', '9007199254740993000', 'number_size'),
    ('amount', '', 'required'),
    ('agreed', False, ''),
    ('more', '', ''),
    ('more', ' {"a": {"b": []}} ', ''),
    ('more', '{"a": 1', 'no_object'),
    ('more', '[1]', 'no_object'),
    ('more', '5', 'no_object'),
    ('more', '{"a": ' + '[' * 31 + ']' * 31 + '}', 'no_object'),
    ('photo', FILE, ''),
    ('photo', None, 'required'),
    ('papers', [], ''),
    ('papers', [FILE], ''),
    ('papers', [FILE, OTHER], 'too_many_files'),
]
