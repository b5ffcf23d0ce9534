"""Where `model_or_offline` was in earlier versions: an owner's file may import it from here."""

from agent.models.offline import OfflineModel as OfflineModel
from agent.models.offline import model_or_offline as model_or_offline
