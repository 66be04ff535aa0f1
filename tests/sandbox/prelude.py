# What every probe begins with. WORLD tells where things are.
import ctypes, errno, json, os, signal, socket, sys, time
globals().update(json.loads(os.environ['WORLD']))
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    # 64 bits each, or a number would be cut or a pointer lost.
    wide = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    answer = libc.syscall(ctypes.c_long(number), *wide)
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer
def only(number, attempt):
    # Refused with another error it would be without the sandbox too: that counts for nothing.
    try:
        attempt()
    except OSError as error:
        if error.errno == number:
            raise
try:
    exec(compile(body, 'probe', 'exec'))
    print('through')
except (OSError, MemoryError, AssertionError) as error:
    print('blocked', type(error).__name__, error)
