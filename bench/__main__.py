"""All benchmarks, one after the other."""

from bench import command, footprint, lag

if __name__ == "__main__":
    print(f"{'name':32} {'ours':>12} {'reference':>12} {'ratio':>8}  unit")
    for program in (command, lag, footprint):
        program.main()
