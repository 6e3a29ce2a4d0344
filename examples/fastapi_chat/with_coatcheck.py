"""The same chat with its pictures beside the messages. `chat.py` stays as it is.

Run it with ``uvicorn --app-dir examples/fastapi_chat with_coatcheck:app``.
"""

from chat import app

from coatcheck import wrap

app = wrap(app)
