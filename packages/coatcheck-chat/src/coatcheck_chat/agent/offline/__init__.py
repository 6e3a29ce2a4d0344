"""The model that answers without a network. Pure.

It understands "draw …", "plot …", changes to the picture before, questions about it, and small
talk. An integration dresses it as a model of its framework, so that the whole loop (tool call, tool
result, second turn) really runs without a key.
"""

from coatcheck_chat.agent.offline.answers import MODEL_NAME, CallTool, Speak, answer
from coatcheck_chat.agent.offline.replies import conclude
from coatcheck_chat.agent.offline.seen import pictures_in

__all__ = ["MODEL_NAME", "CallTool", "Speak", "answer", "conclude", "pictures_in"]
