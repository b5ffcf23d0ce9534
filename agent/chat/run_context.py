"""What the plugins of a run know of it, by context variables of the turn's own task."""

from agent.chat.measures import running_turn
from agent.chat.model_options import turn_options
from agent.chat.tool_failures import ToolFaults, tool_faults
from agent.chat.turn import Turn
from agent.core.question import Options
from agent.core.settings import Settings
from agent.limits.budget import token_usage
from agent.limits.tool_threads import caller, tool_threads


def enter(turn: Turn, user_id: str, settings: Settings, options: Options) -> None:
    """Have this task, and all that it starts, be the run of this turn."""
    running_turn.set(turn)
    token_usage.set(turn.spent)
    turn_options.set((turn.session_id, options))
    tool_faults.set(ToolFaults())
    caller.set(user_id)
    tool_threads(settings.tool_threads)
