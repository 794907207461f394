"""What somebody has begun on our own pages is not at hand in a page of another site, which may ask in their stead."""

from dataclasses import replace

import pytest

from webapp.apps import Apps
from webapp.belongings import Belongings
from webapp.errors import NotFound
from webapp.generations import Generations
from webapp.principal import Principal, Within
from webapp.store import conversations
from webapp.store.database import Store


async def test_each_page_of_another_site_knows_its_own(
    store: Store, apps: Apps, generations: Generations, ann: Principal
) -> None:
    there = replace(ann, within=Within('helpdesk', ('https://www.example.com',)))
    elsewhere = replace(ann, within=Within('shop', ('https://www.example.com',)))
    begun = {}
    for who in (ann, there):
        message = await generations.start(who, app='demo', conversation_id=None, query='/echo', key=f'key {who.embed}')
        begun[who.embed] = message.conversation_id
    theirs = Belongings(store, apps)
    assert (await theirs.conversation(there, begun['helpdesk'])).id == begun['helpdesk']
    assert (await theirs.conversation(ann, begun['helpdesk'])).id == begun['helpdesk']
    for who, conversation_id in ((there, begun['']), (elsewhere, begun['']), (elsewhere, begun['helpdesk'])):
        with pytest.raises(NotFound):
            await theirs.conversation(who, conversation_id)
        with pytest.raises(NotFound):
            await generations.start(who, app='demo', conversation_id=conversation_id, query='/echo', key='more')
    listed = await store.read(conversations.page, user_id=ann.user_id, app='demo', embed='helpdesk')
    assert [each.id for each in listed] == [begun['helpdesk']]
    assert len(await store.read(conversations.page, user_id=ann.user_id, app='demo')) == 2
