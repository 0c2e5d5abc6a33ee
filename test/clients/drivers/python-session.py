"""python-session.py none|explicit host port user password what [words...]: one session of Python's own FTP client."""
import os
import ssl
import sys
from ftplib import FTP, FTP_TLS

security, host, port, user, password, what, *words = sys.argv[1:]
# A certificate of the member's own: nobody vouches for it.
context = ssl._create_unverified_context()
with FTP(timeout=60) if security == "none" else FTP_TLS(timeout=60, context=context) as ftp:
    ftp.connect(host, int(port))
    ftp.login(user, password)
    if security != "none":
        ftp.prot_p()
    if what == "put":
        with open(words[1], "rb") as file:
            ftp.storbinary(f"STOR {words[0]}", file)
    elif what == "append":
        with open(words[1], "rb") as file:
            ftp.storbinary(f"APPE {words[0]}", file)
    elif what == "resume-put":
        with open(words[1], "rb") as file:
            file.seek(int(words[2]))
            ftp.storbinary(f"STOR {words[0]}", file, rest=int(words[2]))
    elif what == "get":
        with open(words[1], "wb") as file:
            ftp.retrbinary(f"RETR {words[0]}", file.write)
    elif what == "resume-get":
        with open(words[1], "ab") as file:
            ftp.retrbinary(f"RETR {words[0]}", file.write, rest=int(words[2]))
    elif what == "list":
        ftp.cwd(words[0])
        named = ftp.nlst()
        facts = sorted(name for name, fact in ftp.mlsd() if fact["type"] in ("file", "dir"))
        if sorted(named) != facts:
            sys.exit(f"NLST {sorted(named)} is not MLSD {facts}")
        sys.stdout.buffer.write("".join(f"{name}\n" for name in named).encode())
    elif what == "mkdir":
        # The reply quotes the path, doubled quotes and all (RFC 959, appendix II); ftplib takes it apart.
        made = ftp.mkd(words[0])
        if made != words[0]:
            sys.exit(f"MKD {words[0]} made {made}")
    elif what == "rename":
        ftp.rename(words[0], words[1])
    elif what == "delete":
        ftp.delete(words[0])
    elif what == "rmdir":
        ftp.rmd(words[0])
    elif what == "put-all":
        ftp.cwd(words[0])
        for name in sorted(os.listdir(words[1])):
            with open(os.path.join(words[1], name), "rb") as file:
                ftp.storbinary(f"STOR {name}", file)
    elif what == "get-all":
        ftp.cwd(words[0])
        for name in ftp.nlst():
            with open(os.path.join(words[1], name), "wb") as file:
                ftp.retrbinary(f"RETR {name}", file.write)
    else:
        sys.exit(f"do what? {what}")
    ftp.quit()
