"""``python -m coatcheck_chat``."""

from coatcheck_chat.cli import main

if __name__ == "__main__":
    main()
