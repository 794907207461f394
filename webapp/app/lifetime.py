"""What lives while the server does: services that pages use, and loops that work in the background."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial

from webapp.app.configured import configured_apps, introduce
from webapp.app.purge import purge
from webapp.apps import Apps
from webapp.auth.reassessment import reassess
from webapp.auth.sessions import Sessions
from webapp.auth.watch import Watch
from webapp.background import supervised
from webapp.budgets import Budgets
from webapp.changes import Changes
from webapp.comparison import Comparison
from webapp.deletions import Deletions
from webapp.embedding import Embedding
from webapp.feedback import Feedback
from webapp.feedback_list import FeedbackList
from webapp.files import Files, Links
from webapp.forgetting import Forgetting
from webapp.generations import Generations
from webapp.metrics import Metrics
from webapp.notices import Notices
from webapp.principal import Role
from webapp.retention import Retention
from webapp.services import Services
from webapp.settings import Settings
from webapp.speech import Speech
from webapp.stopping import Stopping
from webapp.store.database import Store
from webapp.suggestions import Suggestions
from webapp.throttle import Throttle
from webapp.titles import Titles
from webapp.ui import open_pages
from webapp.voices import Voices

Loop = Callable[[], Awaitable[object]]


@contextlib.asynccontextmanager
async def running(
    settings: Settings,
    store: Store,
    sessions: Sessions,
    embedding: Embedding,
    stopping: Stopping,
    *,
    loops: Mapping[str, Loop],
    metrics: Metrics,
) -> AsyncIterator[Services]:
    """Everything that lives while the server does. What was begun last ends first: answers before their upstream."""
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        await asyncio.to_thread(store.migrate)
        apps = Apps([app async for app in configured_apps(settings, stack, metrics)])
        stack.push_async_callback(apps.close)
        changes = Changes()
        read_back = settings.titles == 'upstream'
        links = Links() if settings.remote_urls else None
        files = Files(store, apps, changes, limits=settings.limits, links=links)
        stack.push_async_callback(files.close)
        feedback = Feedback(store, apps)
        deletions = Deletions(store, apps)
        feedback_list = FeedbackList(store, apps, settings.retention)
        spending = Budgets(store, settings.budgets, settings.cost_groups)
        suggestions = Suggestions(changes)
        stack.push_async_callback(suggestions.close)
        voices = Voices()
        generations = Generations(
            store,
            apps,
            changes,
            files,
            limits=settings.limits,
            budgets=spending,
            deletions=deletions,
            suggestions=suggestions,
            voices=voices,
            generate_titles_upstream=read_back,
            on_end=metrics.answer,
        )
        forgetting = Forgetting(
            store,
            is_admin=lambda identity: sessions.admission.role(identity) is Role.ADMIN,
            stop=generations.stop_all_of,
            on_end=open_pages.close,
            on_work=deletions.wake,
        )
        stack.push_async_callback(forgetting.close)
        retention = Retention(
            store,
            settings.retention,
            on_gone=changes.bump,
            on_work=(deletions.wake, files.sweep_soon),
        )
        comparison = Comparison(store, apps)
        titles = Titles(store, apps, changes, generations, read_back=read_back)
        notices = Notices(store)
        all_loops: dict[str, Loop] = {
            **loops,
            'purge': partial(purge, store, sessions, files),
            'sweep': files.sweep,
            'feedback': feedback.run,
            'feedback list': feedback_list.run,
            'notices': notices.run,
            'titles': titles.run,
            'deletions': deletions.run,
            'forgetting': forgetting.run,
            'retention': retention.run,
            'comparison': comparison.run,
            'reassessment': partial(reassess, store, sessions.admission),
            'watch': Watch(sessions, opened=open_pages.sessions, keep=open_pages.keep).run,
        }
        working = [asyncio.create_task(supervised(name, loop), name=name) for name, loop in all_loops.items()]
        stack.callback(lambda: [task.cancel() for task in working])
        stopping.waits_for(generations.shutdown)
        stack.push_async_callback(stopping.drain)
        await generations.repair_leftovers()
        introductions = [asyncio.create_task(introduce(app), name='introduction') for app in apps]
        stack.callback(lambda: [task.cancel() for task in introductions])
        throttle = Throttle(store, settings.limits)
        yield Services(
            store=store,
            sessions=sessions,
            apps=apps,
            changes=changes,
            generations=generations,
            suggestions=suggestions,
            files=files,
            feedback=feedback,
            feedback_list=feedback_list,
            throttle=throttle,
            speech=Speech(store, apps, generations, throttle, voices),
            forgetting=forgetting,
            budgets=spending,
            notices=notices,
            comparison=comparison,
            embedding=embedding,
            name=settings.name,
            is_local=settings.is_local,
        )
