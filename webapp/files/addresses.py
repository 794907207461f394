"""Where pages find files: always with us, never at upstream, whose own addresses expire and tell too much."""

from uuid import UUID, uuid5

from webapp.chat.message import FilePart

MADE = UUID('6f1d7f43-6f0a-4b0e-9d57-0b1f4a1d2c11')  # the namespace of ids of what assistants make; any fixed one


def address(file_id: str) -> str:
    return f'/files/{file_id}'


def made_id(message_id: str, part: FilePart) -> str:
    """The id of a file that the assistant has made for a message of ours.

    It follows from the message and the part, so that a page needs no look-up to know it.
    """
    return uuid5(MADE, f'{message_id}\0{part.id}').hex
