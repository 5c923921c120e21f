"""All benchmarks, one after the other."""

from bench import append, command, footprint, growth, lag, rebuild, relay, stream

if __name__ == "__main__":
    print(f"{'name':32} {'ours':>12} {'reference':>12} {'ratio':>8}  unit")
    for program in (append, command, lag, rebuild, relay, stream, growth, footprint):
        program.main()
