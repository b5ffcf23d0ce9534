from house import conversation, run, say
from scripted_model import ScriptedModel, contents

from agent.transcript import Text


def test_an_answer_is_shown_once() -> None:
    async def story() -> None:
        model = ScriptedModel()
        model.enqueue("Hel", "lo")
        assert await say(conversation(model), "Hi") == (Text("Hello", ("helper", None)),)
        assert contents(model.requests[0]) == [("user", "Hi")]

    run(story())
