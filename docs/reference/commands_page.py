def render(root):
    return ""
