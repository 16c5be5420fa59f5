"""`python -m selectlang.demo`."""

from selectlang.demo.quickstart import main

if __name__ == "__main__":
    main()
