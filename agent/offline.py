"""Where `model_or_offline` was before: an agent's own file may still import it from here."""

from agent.models.offline import OfflineModel as OfflineModel
from agent.models.offline import model_or_offline as model_or_offline
