"""What the app says of itself."""

from starlette.requests import Request
from starlette.responses import Response

from webapp.upstream.demo.attachments import ALLOWED_TYPES, DOCUMENTS, IMAGES, METHODS, MOST_FILES, MOST_MEGABYTES
from webapp.upstream.demo.responses import answer
from webapp.upstream.demo.speech import VOICE
from webapp.upstream.demo.state import VERSION, Demo, demo_of

NAME = 'Demo assistant'
DESCRIPTION = 'Built in: answers from a handbook about this product, and plays every part a Dify app can play.'
OFF = {'enabled': False}
LIMITS = {
    'image_file_size_limit': MOST_MEGABYTES['image'],
    'video_file_size_limit': MOST_MEGABYTES['video'],
    'audio_file_size_limit': MOST_MEGABYTES['audio'],
    'file_size_limit': 15,
    'workflow_file_upload_limit': 10,
}


async def welcome(_: Request) -> Response:
    return answer({'welcome': 'Dify OpenAPI', 'api_version': 'v1', 'server_version': VERSION})


async def info(request: Request) -> Response:
    demo = demo_of(request)
    name, description = _who(demo)
    return answer({'name': name, 'description': description, 'tags': [], 'mode': demo.mode, 'author_name': 'demo'})


async def parameters(request: Request) -> Response:
    demo = demo_of(request)
    return answer(
        {
            'opening_statement': demo.opening_statement,
            'suggested_questions': demo.suggested_questions,
            'suggested_questions_after_answer': {'enabled': demo.model is None},
            'speech_to_text': {'enabled': demo.abilities.hears},
            'text_to_speech': {
                'enabled': demo.abilities.speaks,
                'language': '',
                'voice': VOICE if demo.abilities.speaks else '',
            }
            | ({'autoPlay': 'enabled'} if demo.abilities.speaks_unasked else {}),
            'retriever_resource': {'enabled': True},
            'annotation_reply': OFF,
            'more_like_this': OFF,
            'user_input_form': demo.form,
            'sensitive_word_avoidance': {'configs': [], 'enabled': False, 'type': ''},
            'file_upload': {
                'allowed_file_extensions': [f'.{extension.upper()}' for extension in (*IMAGES, *DOCUMENTS)],
                'allowed_file_types': list(ALLOWED_TYPES),
                'allowed_file_upload_methods': list(METHODS),
                'enabled': True,
                'fileUploadConfig': LIMITS | {'batch_count_limit': 5},
                'image': {
                    'detail': 'high',
                    'enabled': True,
                    'number_limits': MOST_FILES,
                    'transfer_methods': list(METHODS),
                },
                'number_limits': MOST_FILES,
            },
            'system_parameters': LIMITS,
        }
    )


async def meta(_: Request) -> Response:
    icons = {
        'handbook_search': {'background': '#E4FBCC', 'content': '§'},
        'draw': {'background': '#FFEAD5', 'content': '✎'},
    }
    return answer({'tool_icons': icons})


async def site(request: Request) -> Response:
    demo = demo_of(request)
    name, description = _who(demo)
    return answer(
        {
            'title': name,
            'chat_color_theme': None,
            'chat_color_theme_inverted': False,
            'icon_type': 'emoji',
            'icon': '📖',
            'icon_background': '#E4FBCC',
            'description': description,
            'copyright': None,
            'privacy_policy': None,
            'custom_disclaimer': '',
            'default_language': 'en-US',
            'show_workflow_steps': True,
            'use_icon_as_answer_icon': False,
            'icon_url': None,
        }
        | demo.site
    )


def _who(demo: Demo) -> tuple[str, str]:
    """Name and description of the app."""
    if demo.model is None:
        return NAME, DESCRIPTION
    relay = demo.model.relay
    return relay.model, f'Answers come from {relay.model} at {relay.host}.'
