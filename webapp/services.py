"""What pages may use: made once by the composition root, handed to each page's `register`."""

from dataclasses import dataclass

from webapp.apps import Apps
from webapp.auth.sessions import Sessions
from webapp.budgets import Budgets
from webapp.changes import Changes
from webapp.comparison import Comparison
from webapp.embedding import Embedding
from webapp.feedback import Feedback
from webapp.feedback_list import FeedbackList
from webapp.files import Files
from webapp.forgetting import Forgetting
from webapp.generations import Generations
from webapp.notices import Notices
from webapp.speech import Speech
from webapp.store.database import Store
from webapp.suggestions import Suggestions
from webapp.throttle import Throttle


@dataclass(frozen=True, slots=True)
class Services:
    store: Store
    sessions: Sessions
    apps: Apps
    changes: Changes
    generations: Generations
    suggestions: Suggestions
    files: Files
    feedback: Feedback
    feedback_list: FeedbackList
    throttle: Throttle
    speech: Speech
    budgets: Budgets
    forgetting: Forgetting
    notices: Notices
    comparison: Comparison
    embedding: Embedding
    name: str  # what this instance calls itself
    is_local: bool  # one local person, who is also the admin
