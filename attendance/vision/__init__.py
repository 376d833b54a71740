"""The process that may die: camera, QR codes and faces. The only room with numpy, cv2 and zxingcpp."""
