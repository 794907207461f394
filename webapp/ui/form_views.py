"""An app's form and its values as a person sees them."""

import json
from collections.abc import Callable, Mapping, Sequence

from webapp import files, inputs
from webapp.apps import App
from webapp.chat.form import Field as AskedField
from webapp.inputs import Field, Uploads
from webapp.schemas import Mismatch
from webapp.ui import i18n
from webapp.ui.components.composer import UploadRules
from webapp.ui.components.inputs import FieldView, FileLink, ValueView

Url = Callable[[str], str]  # where a browser finds a file, by its id
TOLD = {key.removeprefix('schema.rule_') for key in i18n.catalogue() if key.startswith('schema.rule_')}


def fields(app: App, host: Mapping[str, object], *, links: bool = False) -> list[FieldView]:
    """What people are asked.

    :param host: what the page around ours has filled in
    :param links: this instance lets people attach links
    """
    return [_field(app, field, host, links=links) for field in form(app) if not field.is_hidden]


def form(app: App) -> Sequence[Field]:
    return app.known.parameters.form if app.known else ()


def is_filled(app: App, host: Mapping[str, object]) -> bool:
    """Whether a host has left nothing to ask for; files it can't fill in."""
    return bool(host) and all(
        field.variable in host or (field.control in inputs.FILES and not field.is_required)
        for field in form(app)
        if not field.is_hidden
    )


def texts(app: App, host: Mapping[str, object], *, all_: bool) -> dict[str, str]:
    """What the app's opening says for variables that people are not asked for.

    :param all_: they are asked for none
    """
    if app.known is None:
        return {}
    said = '\n'.join([app.known.parameters.opening_statement, *app.known.parameters.suggested_questions])
    return {
        field.variable: _text(field, inputs.initial(field, host))
        for field in form(app)
        if (all_ or field.is_hidden) and '{{' in said and field.variable in said
    }


def told(app: App, values: Mapping[str, object], url: Url) -> list[ValueView] | None:
    """What a conversation was begun with, without what is empty; None where nothing was asked."""
    asked = [field for field in form(app) if not field.is_hidden]
    files = links(app, values, url)
    views = [
        ValueView(field.label, _text(field, values[field.variable]), files.get(field.variable, ()))
        for field in asked
        if field.variable in values
    ]
    return [view for view in views if view.text.strip()] if asked else None


def written(app: App, values: Mapping[str, object]) -> dict[str, str | bool]:
    """Values as they stand in the fields of the form; without files."""
    asked = [field for field in form(app) if not field.is_hidden and field.control not in inputs.FILES]
    return {field.variable: _written(field, values.get(field.variable)) for field in asked}


def mismatched(found: Sequence[Mismatch]) -> str:
    """What of a JSON object does not fit its schema, in words."""
    return ' '.join(_mismatch(each) for each in found)


def links(app: App, values: Mapping[str, object], url: Url) -> dict[str, tuple[FileLink, ...]]:
    """The files of a form's values, by variable: of fields that take some, as a JSON object may hold anything."""
    return {
        field.variable: _links(values[field.variable], url)
        for field in form(app)
        if field.control in inputs.FILES and field.variable in values
    }


def _links(value: object, url: Url) -> tuple[FileLink, ...]:
    return tuple(
        _link(each, url)
        for each in (value if isinstance(value, list) else [value])
        if isinstance(each, dict) and inputs.FILE_ID.fullmatch(str(each.get('file_id'))) and 'name' in each
    )


def _mismatch(mismatch: Mismatch) -> str:
    rule = mismatch.rule if mismatch.rule in TOLD and mismatch.expected else 'other'
    words = i18n.t('schema.rule_' + rule, expected=mismatch.expected, rule=mismatch.rule)
    return i18n.t('schema.at', path=mismatch.path or i18n.t('schema.whole'), words=words)


def _link(file: Mapping[str, object], url: Url) -> FileLink:
    id_, elsewhere = str(file['file_id']), file.get('link')
    is_elsewhere = isinstance(elsewhere, str) and elsewhere.lower().startswith(inputs.WEB)
    return FileLink(id_, str(file['name']), str(elsewhere) if is_elsewhere else url(id_), is_elsewhere=is_elsewhere)


def _field(app: App, field: Field, host: Mapping[str, object], *, links: bool) -> FieldView:
    takes_files = field.control in inputs.FILES
    return FieldView(
        variable=field.variable,
        label=field.label,
        control=field.control,
        required=field.is_required,
        value=_written(field, inputs.initial(field, host)),
        host=field.variable in host,
        description=field.description,
        placeholder=field.placeholder,
        unit=field.unit,
        options=field.options,
        most=inputs.most(field),
        uploads=_rules(app, field, links=links) if takes_files else None,
    )


def asked_rules(app: App, field: AskedField, *, links: bool) -> UploadRules:
    """Which files a field takes that is asked in the middle of an answer. :param links: as for `fields`"""
    parameters = app.known.parameters if app.known else None
    return _upload_rules(app, inputs.uploads_asked(parameters, field), links=links)


def _rules(app: App, field: Field, *, links: bool) -> UploadRules:
    assert app.known is not None
    return _upload_rules(app, inputs.uploads(app.known.parameters, field.variable), links=links)


def _upload_rules(app: App, uploads: Uploads, *, links: bool) -> UploadRules:
    return UploadRules(
        app=app.slug,
        accept=files.accept(uploads),
        kinds=uploads.types,
        extensions=uploads.extensions,
        per_message=uploads.per_message,
        megabytes=uploads.megabytes,
        files='local_file' in uploads.methods,
        links=links and files.takes_links(uploads),
    )


def _written(field: Field, value: object) -> str | bool:
    if field.control == 'checkbox':
        return value is True
    match value:
        case bool() | None:
            return ''
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, indent=2) if field.control == 'json_object' else ''
    return str(value)


def _text(field: Field, value: object) -> str:
    if isinstance(value, bool):
        return i18n.t('inputs.yes') if value else i18n.t('inputs.no')
    if field.control in inputs.FILES:
        return ', '.join(link.name for link in _links(value, str))
    return '' if value is None else json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
