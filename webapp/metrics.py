"""What operators watch, as Prometheus reads it: each process counts for itself.

Whoever has something to tell is given a function or is asked for a value, and knows nothing of Prometheus. Labels are
apps of the settings, outcomes and codes of ours, so that there are never more series than those.
"""

import platform
from collections.abc import Callable, Collection, Iterator, Mapping

import nicegui
from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from webapp import __version__
from webapp.chat.message import Status
from webapp.generations import Ended, Load
from webapp.store.database import Kind
from webapp.upstream.faults import CODES

OTHER = 'other'  # an app that is gone from the settings, a code that is none of ours
FIRST_TOKEN = (0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300)  # seconds
ANSWER = (0.5, 1, 2, 3, 5, 8, 13, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1260)
DATABASE = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """:param apps: their slugs"""

    def __init__(self, apps: Collection[str]) -> None:
        self._apps = frozenset(apps)
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        build = Info('webapp_build', 'What runs', registry=self._registry)
        build.info({'version': __version__, 'python': platform.python_version(), 'nicegui': nicegui.__version__})
        self._answers = Counter(
            'webapp_answers', 'Answers that have ended', ['app', 'outcome'], registry=self._registry
        )
        self._seconds = Histogram(
            'webapp_answer_seconds',
            'From the question to the end of its answer',
            ['app', 'outcome'],
            buckets=ANSWER,
            registry=self._registry,
        )
        self._first_token = Histogram(
            'webapp_answer_first_token_seconds',
            'From the question to the first word of its answer',
            ['app'],
            buckets=FIRST_TOKEN,
            registry=self._registry,
        )
        self._errors = Counter(
            'webapp_upstream_errors',
            'Calls and answers that failed upstream',
            ['app', 'code'],
            registry=self._registry,
        )
        self._database = Histogram(
            'webapp_database_seconds',
            'Transactions, waiting for their turn included',
            ['kind'],
            buckets=DATABASE,
            registry=self._registry,
        )
        for app in self._apps:  # so that a rate can be told from the first one on
            self._first_token.labels(app)
            for outcome in Status:
                if outcome.is_final:
                    self._answers.labels(app, outcome)
        for kind in ('read', 'write'):
            self._database.labels(kind)

    def answer(self, ended: Ended) -> None:
        app = self._known(ended.app)
        self._answers.labels(app, ended.outcome).inc()
        if ended.seconds is not None:
            self._seconds.labels(app, ended.outcome).observe(ended.seconds)
        if ended.first_token_seconds is not None:
            self._first_token.labels(app).observe(ended.first_token_seconds)

    def upstream_error(self, app: str, code: str) -> None:
        self._errors.labels(self._known(app), code if code in CODES else OTHER).inc()

    def database(self, kind: Kind, seconds: float) -> None:
        """May be told in any thread."""
        self._database.labels(kind).observe(seconds)

    def shows(self, *, loads: Callable[[], Mapping[str, Load]], pages: Callable[[], int]) -> None:
        """Ask for these whenever somebody reads: answers under way by app, and pages that are open."""
        self._registry.register(_Now(loads, pages))

    def written(self, accept: str = '') -> tuple[bytes, str]:
        """Everything as it stands now, and its media type.

        :param accept: the header of who asks: there are two formats
        """
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type

    def _known(self, app: str) -> str:
        return app if app in self._apps else OTHER


class _Now(Collector):
    def __init__(self, loads: Callable[[], Mapping[str, Load]], pages: Callable[[], int]) -> None:
        self._loads = loads
        self._pages = pages

    def collect(self) -> Iterator[Metric]:
        running = GaugeMetricFamily('webapp_answers_running', 'Answers being written', labels=['app'])
        waiting = GaugeMetricFamily('webapp_answers_waiting', 'Questions in line', labels=['app'])
        for app, load in self._loads().items():
            running.add_metric([app], load.running)
            waiting.add_metric([app], load.waiting)
        yield from (running, waiting)
        yield GaugeMetricFamily('webapp_open_pages', 'Pages that browsers have open', value=self._pages())
