"""What an app says of itself: its features, its form, its look. Missing features are off."""

import re
from dataclasses import dataclass, field

from webapp.chat.form import extensions
from webapp.upstream.payload import Payload, count, dump, flag, mapping, mappings, name, number, text, texts

CONTROLS = {'text-input', 'paragraph', 'select', 'number', 'checkbox', 'file', 'file-list', 'json_object'}
FILLED_BY_SERVER = {'external_data_tool'}
MAX_FIELDS = 100
MAX_OPTIONS = 500
MAX_FILES = 10  # of a message, where the server names no limit
MAX_TEXT = 50_000


@dataclass(frozen=True, slots=True)
class Info:
    name: str
    mode: str  # 'chat', 'agent-chat', 'advanced-chat', 'agent', or something that is no chat app
    description: str = ''

    @property
    def is_chat(self) -> bool:
        return self.mode in {'chat', 'agent-chat', 'advanced-chat', 'agent'}


@dataclass(frozen=True, slots=True)
class Field:
    """One question of the form before the first message. Its answer goes into `inputs` with every message."""

    variable: str
    label: str
    control: str  # one of `CONTROLS`
    is_required: bool = False
    is_hidden: bool = False  # not shown; the default is sent
    default: object = None  # as sent by Dify; pre-fill and send it, not every server applies it
    description: str = ''
    placeholder: str = ''
    unit: str = ''  # of a 'number'
    options: tuple[str, ...] = ()
    max_length: int | None = None  # characters; for 'file-list' the number of files
    file_types: tuple[str, ...] = ()
    file_extensions: tuple[str, ...] = ()
    upload_methods: tuple[str, ...] = ()
    json_schema: str = ''  # of a 'json_object', as JSON text


@dataclass(frozen=True, slots=True)
class Uploads:
    """Whether and which files may go along with a message."""

    is_enabled: bool = False
    types: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()  # lower case with dot; only for type 'custom'
    methods: tuple[str, ...] = ()  # 'local_file', 'remote_url'
    per_message: int = 0
    megabytes: dict[str, float] = field(default_factory=dict)  # by type; 'document' stands for all others


@dataclass(frozen=True, slots=True)
class Speech:
    """The app reads its answers aloud."""

    is_enabled: bool = False
    is_automatic: bool = False


@dataclass(frozen=True, slots=True)
class Parameters:
    opening_statement: str = ''  # may hold {{variables}} of the form
    suggested_questions: tuple[str, ...] = ()
    suggests_after_answer: bool = False
    hears: bool = False  # takes speech
    speech: Speech = Speech()
    form: tuple[Field, ...] = ()
    uploads: Uploads = Uploads()


@dataclass(frozen=True, slots=True)
class Site:
    """How the app's owner wants it to look."""

    description: str = ''
    theme_color: str = ''  # '#rrggbb' or ''
    icon: str = ''  # an emoji, or '' when it is an image
    icon_background: str = ''
    icon_url: str = ''  # upstream's, short-lived
    copyright: str = ''
    privacy_policy: str = ''
    disclaimer: str = ''
    placeholder: str = ''
    shows_steps: bool = True


@dataclass(frozen=True, slots=True)
class ToolIcon:
    """Either an image or an emoji on a colour."""

    url: str = ''
    emoji: str = ''
    background: str = ''


def info(data: Payload) -> Info:
    return Info(
        name=name(data, 'name'),
        mode=name(data, 'mode'),
        description=text(data, 'description', MAX_TEXT),
    )


def parameters(data: Payload) -> Parameters:
    speech = mapping(data, 'text_to_speech')
    return Parameters(
        opening_statement=text(data, 'opening_statement', MAX_TEXT),
        suggested_questions=texts(data, 'suggested_questions'),
        suggests_after_answer=_is_on(data, 'suggested_questions_after_answer'),
        hears=_is_on(data, 'speech_to_text'),
        speech=Speech(
            is_enabled=flag(speech, 'enabled'),
            is_automatic=name(speech, 'autoPlay') == 'enabled',
        ),
        form=_form(data),
        uploads=_uploads(mapping(data, 'file_upload'), mapping(data, 'system_parameters')),
    )


def site(data: Payload) -> Site:
    theme = _color(data, 'chat_color_theme')
    return Site(
        description=text(data, 'description', MAX_TEXT),
        theme_color=theme if len(theme) == len('#rrggbb') else '',
        icon=name(data, 'icon') if name(data, 'icon_type') != 'image' else '',
        icon_background=_color(data, 'icon_background'),
        icon_url=text(data, 'icon_url', 4000),
        copyright=name(data, 'copyright'),
        privacy_policy=text(data, 'privacy_policy', 4000),
        disclaimer=text(data, 'custom_disclaimer', MAX_TEXT),
        placeholder=name(data, 'input_placeholder'),
        shows_steps=data.get('show_workflow_steps') is not False,
    )


def tool_icons(data: Payload) -> dict[str, ToolIcon]:
    icons = {}
    for tool, icon in mapping(data, 'tool_icons').items():
        if isinstance(icon, str):
            icons[tool] = ToolIcon(url=icon)
        elif isinstance(icon, dict):
            icons[tool] = ToolIcon(emoji=name(icon, 'content'), background=_color(icon, 'background'))
    return icons


def _form(data: Payload) -> tuple[Field, ...]:
    """Each item is an object with one key, the control; unknown controls take text."""
    fields = []
    for item in mappings(data, 'user_input_form', MAX_FIELDS):
        for control in item:
            settings = mapping(item, control)
            if control not in FILLED_BY_SERVER and name(settings, 'variable'):
                fields.append(_field(control if control in CONTROLS else 'text-input', settings))
    return tuple(fields)


def _field(control: str, settings: Payload) -> Field:
    variable = name(settings, 'variable')
    return Field(
        variable=variable,
        label=name(settings, 'label') or variable,
        control=control,
        is_required=flag(settings, 'required'),
        is_hidden=flag(settings, 'hide'),
        default=settings.get('default'),
        description=text(settings, 'description', MAX_TEXT),
        placeholder=name(settings, 'placeholder'),
        unit=name(settings, 'unit'),
        options=texts(settings, 'options', MAX_OPTIONS),
        max_length=count(settings, 'max_length') or None,
        file_types=texts(settings, 'allowed_file_types'),
        file_extensions=_extensions(settings),
        upload_methods=texts(settings, 'allowed_file_upload_methods'),
        json_schema=_schema(settings) if control == 'json_object' else '',
    )


def _schema(settings: Payload) -> str:
    """An object, or JSON text of one, by version."""
    schema = mapping(settings, 'json_schema')
    return dump(schema).decode() if schema else ''


def _uploads(settings: Payload, limits: Payload) -> Uploads:
    """Two generations of settings: the newer one has a switch of its own, the older one knows only images."""
    image = mapping(settings, 'image')
    is_new = isinstance(settings.get('enabled'), bool)
    if not flag(settings if is_new else image, 'enabled'):
        return Uploads(megabytes=_megabytes(limits))  # fields of the form may take files all the same
    newer = settings if is_new else {}
    sizes = mapping(newer, 'fileUploadConfig') | limits
    return Uploads(
        is_enabled=True,
        types=texts(newer, 'allowed_file_types') or ('image',),
        extensions=_extensions(newer),
        methods=texts(newer, 'allowed_file_upload_methods') or texts(image, 'transfer_methods') or ('local_file',),
        per_message=min(count(newer, 'number_limits') or count(image, 'number_limits') or 3, _most_files(sizes)),
        megabytes=_megabytes(sizes),
    )


def _most_files(limits: Payload) -> int:
    """Of one message, whatever the app says."""
    return count(limits, 'workflow_file_upload_limit') or MAX_FILES


def _megabytes(limits: Payload) -> dict[str, float]:
    return {
        'image': number(limits, 'image_file_size_limit') or 10.0,
        'audio': number(limits, 'audio_file_size_limit') or 50.0,
        'video': number(limits, 'video_file_size_limit') or 100.0,
        'document': number(limits, 'file_size_limit') or 15.0,
    }


def _extensions(settings: Payload) -> tuple[str, ...]:
    return extensions(texts(settings, 'allowed_file_extensions'))


def _is_on(data: Payload, feature: str) -> bool:
    return flag(mapping(data, feature), 'enabled')


def _color(data: Payload, key: str) -> str:
    color = name(data, key).strip()
    return color if re.fullmatch(r'#[0-9a-fA-F]{3,8}', color) else ''
